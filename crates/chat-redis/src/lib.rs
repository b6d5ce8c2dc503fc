//! chat-redis
