//! An inspection for machines: one JSON object.

use bartizan_rehearsal::text;
use bartizan_runtime::{CONTRACT, Snapshotting};
use serde_json::{Value, json};

use super::{Inspection, names};

impl Inspection {
    /// The inspection as indented JSON, with a line break at the end. Sizes are bytes, times milliseconds.
    pub fn to_json(&self) -> String {
        let described = &self.description;
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
        let interests = described
            .interests
            .iter()
            .map(|interest| json!({"methods": interest.methods, "targets": interest.targets}));
        let memories = self
            .anatomy
            .memories
            .iter()
            .map(|memory| json!({"initial": memory.initial, "maximum": memory.maximum}));
        let configured = match &self.configured {
            Ok(configured) => {
                let (is_possible, reason) = match &configured.snapshotting {
                    Snapshotting::Possible { .. } => (true, None),
                    Snapshotting::Impossible(reason) => (false, Some(reason)),
                };
                json!({"memory": configured.memory, "snapshot": is_possible, "snapshot_problem": reason})
            }
            Err(problem) => json!({"problem": problem}),
        };
        let told = json!({
            "name": described.name,
            "version": described.version,
            "summary": described.summary,
            "file": self.file.display().to_string(),
            "sha256": &*self.sha256,
            "contract": CONTRACT,
            "hooks": names(self.hooks),
            "interests": interests.collect::<Vec<_>>(),
            "asks": described.asks,
            "imports": self.anatomy.imports,
            "sizes": {
                "file": self.size,
                "component": self.anatomy.component,
                "compiled": self.anatomy.compiled,
            },
            "modules": self.anatomy.modules,
            "instances": self.anatomy.instances,
            "memories": memories.collect::<Vec<_>>(),
            "configured": configured,
            "compile_ms": (self.compile_time.as_secs_f64() * 1e4).round() / 10.0,
            "settings_schema": parsed(&described.settings_schema),
            "metadata": parsed(&described.metadata),
        });
        text::json(&format!("{told:#}\n"))
    }
}
