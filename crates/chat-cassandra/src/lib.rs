//! chat-cassandra
