//! What can be done, and what it makes of a scenario.

use serde::{Deserialize, Serialize};

use crate::simulation::{CapacityAddition, ReserveShift, Scenario};

/// Something an operator can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Action {
    /// Hold a flow to a route.
    Reroute {
        /// The flow.
        flow: String,
        /// The links of the route, from the flow's source to its target.
        via: Vec<String>,
    },
    /// Move capacity from one link to another that meets it.
    ShiftReserve {
        /// Where they meet.
        node: String,
        /// The link that gives and the link that gets.
        via: [String; 2],
        /// How much.
        delta_mbps: f64,
    },
    /// Make a link wider.
    ScaleUp {
        /// The link.
        via: [String; 1],
        /// By how much.
        delta_mbps: f64,
    },
    /// Keep transit off a node.
    Isolate {
        /// The node.
        node: String,
    },
}

impl Scenario {
    /// This scenario after the actions. Their order matters only where one flow is rerouted twice: the last counts.
    #[must_use]
    pub fn with_actions<'a>(&self, actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let mut scenario = self.clone();
        for action in actions {
            match action {
                Action::Reroute { flow, via } => {
                    scenario.routes.insert(flow.clone(), via.clone());
                }
                Action::ShiftReserve { node, via: [from, to], delta_mbps } => scenario.reserve_shifts.push(ReserveShift {
                    node: node.clone(),
                    from: from.clone(),
                    to: to.clone(),
                    delta_mbps: *delta_mbps,
                }),
                Action::ScaleUp { via: [link], delta_mbps } => {
                    scenario.capacity_additions.push(CapacityAddition { link: link.clone(), delta_mbps: *delta_mbps });
                }
                Action::Isolate { node } => {
                    if !scenario.isolated_nodes.contains(node) {
                        scenario.isolated_nodes.push(node.clone());
                    }
                }
            }
        }
        scenario
    }
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn actions_have_the_names_their_readers_know() {
        let text = r#"[{"type":"REROUTE","flow":"F","via":["L1","L2"]},{"type":"SHIFT_RESERVE","node":"N","via":["L1","L2"],"delta_mbps":100.0},{"type":"SCALE_UP","via":["L1"],"delta_mbps":5.0},{"type":"ISOLATE","node":"N"}]"#;
        let actions: Vec<Action> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&actions).unwrap(), text);
    }
}
