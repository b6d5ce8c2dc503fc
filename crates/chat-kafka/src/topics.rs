/// The names of the topics. The prefix is `chat`, but for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }
    /// Everything that changes a conversation: `chat.events` in generation 1, `chat.events.gN` in the later ones.
    pub fn events(&self, generation: u16) -> String {
        if generation <= 1 {
            format!("{}.events", self.prefix)
        } else {
            format!("{}.events.g{generation}", self.prefix)
        }
    }
    /// How far people have come.
    pub fn cursors(&self) -> String {
        format!("{}.cursors", self.prefix)
    }
    /// What could not be projected.
    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }
    /// The generation of an events topic.
    pub fn generation(&self, topic: &str) -> Option<u16> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix(".events")?;
        if rest.is_empty() {
            return Some(1);
        }
        rest.strip_prefix(".g")?.parse().ok().filter(|generation| *generation >= 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_has_a_topic_and_a_topic_its_generation() {
        let topics = Topics::new("chat");
        assert_eq!((topics.events(1).as_str(), topics.events(7).as_str()), ("chat.events", "chat.events.g7"));
        for generation in [1, 2, 300] {
            assert_eq!(topics.generation(&topics.events(generation)), Some(generation));
        }
        for other in ["chat.cursors", "chat.events.g1", "chat.events.gx", "chat.events2", "other.events"] {
            assert_eq!(topics.generation(other), None, "{other}");
        }
    }
}
