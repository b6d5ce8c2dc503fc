//! The gateways: they boot, serve and drain.

use std::collections::VecDeque;

use super::World;

#[derive(Debug, Clone, Copy)]
struct Group {
    /// The second in which its state ends.
    until: usize,
    pods: u32,
}

#[derive(Debug, Clone)]
pub struct Fleet {
    serving: u32,
    /// First ready first.
    booting: VecDeque<Group>,
    /// First gone first.
    draining: VecDeque<Group>,
}

impl Fleet {
    pub(super) fn new(serving: u32) -> Self {
        Fleet { serving, booting: VecDeque::new(), draining: VecDeque::new() }
    }

    pub fn serving(&self) -> u32 {
        self.serving
    }

    pub fn booting(&self) -> u32 {
        self.booting.iter().map(|group| group.pods).sum()
    }

    pub fn draining(&self) -> u32 {
        self.draining.iter().map(|group| group.pods).sum()
    }

    /// What was asked for: those that serve and those that will.
    pub fn asked(&self) -> u32 {
        self.serving + self.booting()
    }

    pub(super) fn pods(&self) -> u32 {
        self.asked() + self.draining()
    }

    pub(super) fn advance(&mut self, second: usize) {
        while let Some(group) = self.booting.pop_front_if(|group| group.until <= second) {
            self.serving += group.pods;
        }
        while self.draining.pop_front_if(|group| group.until <= second).is_some() {}
    }

    /// Creates or removes gateways. Those that drain are called back first where that is possible, those that boot
    /// are removed first.
    pub(super) fn ask(&mut self, wanted: u32, second: usize, world: &World, takes_back: bool) {
        let asked = self.asked();
        if wanted > asked {
            let mut more = wanted - asked;
            if takes_back {
                let back = take(&mut self.draining, more);
                self.serving += back;
                more -= back;
            }
            if more > 0 {
                self.booting.push_back(Group { until: second + world.boot_seconds as usize, pods: more });
            }
        } else if wanted < asked {
            let fewer = asked - wanted;
            let fewer = fewer - take(&mut self.booting, fewer);
            if fewer > 0 {
                self.serving -= fewer;
                self.draining.push_back(Group { until: second + world.drain_seconds as usize, pods: fewer });
            }
        }
    }
}

/// Takes up to `pods` of the newest groups, and says how many those were.
fn take(groups: &mut VecDeque<Group>, pods: u32) -> u32 {
    let mut left = pods;
    while left > 0 {
        let Some(group) = groups.back_mut() else { break };
        let taken = group.pods.min(left);
        group.pods -= taken;
        left -= taken;
        if group.pods == 0 {
            groups.pop_back();
        }
    }
    pods - left
}
