//! `envoy/local` and `envoy/chain`, which are written by hand to be read, are what is rendered around their policy: there is one truth
//! about what stands around a policy, and who changes it in one place changes it in the other.

use serde_json::Value;

use crate::common::checkout;

const STUB: &str = "http://127.0.0.1:8081";

#[test]
fn scenarios_are_what_is_rendered() {
    for (name, options) in [("local", &[][..]), ("chain", &["--chain"])] {
        let file = checkout()
            .root()
            .join("envoy")
            .join(name)
            .join("envoy.yaml");
        let (anthropic, openai) = (format!("anthropic={STUB}"), format!("openai={STUB}"));
        let words = [
            "envoy",
            file.to_str().unwrap(),
            "--audit-log",
            "target/audit.log",
        ];
        let words = [
            &words[..],
            &["--provider", &anthropic, "--provider", &openai],
            options,
        ]
        .concat();
        let rendered = portcullis_cli::rendered(words).unwrap();
        let shipped = std::fs::read_to_string(&file).unwrap();
        let (mut rendered, mut shipped) = (comparable(&rendered), comparable(&shipped));
        // A scenario hands over one secret more than its policy asks for: tests give it rules that mask.
        let (few, more) = (take_variables(&mut rendered), take_variables(&mut shipped));
        assert!(
            few.iter().all(|name| more.contains(name)),
            "{few:?} {more:?}"
        );
        let lines = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        for (number, (rendered, shipped)) in lines(&rendered)
            .lines()
            .zip(lines(&shipped).lines())
            .enumerate()
        {
            assert_eq!(rendered, shipped, "{name}: line {number} of it as JSON");
        }
        assert_eq!(rendered, shipped, "{name}");
    }
}

/// A configuration in which order and spelling are one where Envoy does not tell them apart.
fn comparable(text: &str) -> Value {
    let mut bootstrap: Value = serde_yaml_ng::from_str(text).unwrap();
    for list in ["clusters", "secrets"] {
        let list = bootstrap["static_resources"][list].as_array_mut().unwrap();
        list.sort_by_key(|item| item["name"].to_string());
    }
    for cluster in bootstrap["static_resources"]["clusters"]
        .as_array_mut()
        .unwrap()
    {
        for endpoints in cluster["load_assignment"]["endpoints"]
            .as_array_mut()
            .unwrap()
        {
            let priority = endpoints.as_object_mut().unwrap().remove("priority");
            assert!(priority.is_none_or(|priority| priority == 0));
        }
    }
    for config in wasm(&mut bootstrap) {
        let configuration = &mut config["configuration"];
        let value = configuration["value"].take();
        // As JSON text or as a Struct, it is the same document.
        *configuration = match value.as_str() {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => value,
        };
    }
    bootstrap
}

fn wasm(bootstrap: &mut Value) -> impl Iterator<Item = &mut Value> {
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap
        .pointer_mut(filters)
        .unwrap()
        .as_array_mut()
        .unwrap();
    filters
        .iter_mut()
        .filter_map(|filter| filter.pointer_mut("/typed_config/config"))
}

fn take_variables(bootstrap: &mut Value) -> Vec<(String, String)> {
    let mut taken = Vec::new();
    for config in wasm(bootstrap) {
        let name = config["name"].to_string();
        let vm = config["vm_config"].as_object_mut().unwrap();
        let variables = vm.remove("environment_variables").unwrap_or_default();
        for variable in variables["host_env_keys"].as_array().into_iter().flatten() {
            taken.push((name.clone(), variable.to_string()));
        }
    }
    taken
}
