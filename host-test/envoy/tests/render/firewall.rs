//! The firewall that is rendered, in the kernel: in a network of its own, whose only way out leads nowhere.

use std::process::Command;

use crate::file;

/// What happens to connections under a ruleset: how many packets it rejects of each target's.
const SCRIPT: &str = r#"
set -e
ip link set lo up
ip link add out type veth peer name nowhere
ip link set nowhere up
ip addr add 192.0.2.1/24 dev out
ip link set out up
ip route add default via 192.0.2.2
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out
nft -f "$1"
shift
for target in "$@"; do
    timeout 0.2 bash -c "echo > /dev/tcp/$target" 2> /dev/null || true
    nft list chain inet portcullis gateway | sed -n 's/.*counter packets \([0-9]*\) .* reject.*/\1/p'
done
"#;

/// Whether something of each connection was rejected.
fn rejected(options: &[&str], targets: &[&str]) -> Vec<bool> {
    let ruleset = file(&crate::rendered(options));
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "bash", "-c", SCRIPT, "firewall"])
        .arg(ruleset.path())
        .args(targets)
        .output()
        .expect("unshare");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let counts: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(counts.len(), targets.len(), "{text}");
    // The counter goes on from one to the next.
    let before = [0].into_iter().chain(counts.iter().copied());
    before
        .zip(&counts)
        .map(|(before, after)| *after > before)
        .collect()
}

#[test]
fn envoy_reaches_its_providers_and_nothing_else() {
    let targets = [
        "198.51.100.1/443", // a provider, as any address of the internet
        "198.51.100.1/80",
        "198.51.100.1/53",     // names
        "10.1.2.3/443",        // a service of the company's
        "169.254.169.254/443", // a cloud's metadata
        "127.0.0.1/9",         // this machine: the collector, say
    ];
    assert_eq!(
        rejected(&["--firewall", "root"], &targets),
        [false, true, false, true, true, false]
    );
    // Through the proxy of the DMZ, that is the one way out.
    let targets = ["10.0.2.5/8080", "10.0.2.5/443", "198.51.100.1/443"];
    let dmz = ["--firewall", "root", "--egress-proxy", "10.0.2.5:8080"];
    assert_eq!(rejected(&dmz, &targets), [false, true, true]);
    // Nobody else is held up, and every form of it is one that nft takes.
    let inbound = [
        "--firewall",
        "12345",
        "--inbound",
        "10.0.0.0/8,192.0.2.7,2001:db8::/32",
    ];
    assert_eq!(rejected(&inbound, &["198.51.100.1/80"]), [false]);
    let v6 = ["--firewall", "root", "--egress-proxy", "[2001:db8::5]:8080"];
    assert_eq!(rejected(&v6, &["198.51.100.1/443"]), [true]);
}
