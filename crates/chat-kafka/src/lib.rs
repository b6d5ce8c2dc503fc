//! chat-kafka
