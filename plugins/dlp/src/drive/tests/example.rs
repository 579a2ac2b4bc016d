//! The example at the top of `drive`, as it stands there.

use crate::detectors::named;
use crate::drive::{Driver, Lane};

#[test]
fn a_key_and_a_card_in_three_pieces() {
    let names = ["aws_access_key", "payment_card"];
    let detectors = names.iter().flat_map(|name| named(name)).zip(0..);
    let driver = Driver::new(detectors.map(|(detector, rule)| (rule, detector)), None).unwrap();
    let mut lane = Lane::default();
    let mut held = Vec::new();
    let mut found = Vec::new();
    let pieces = [
        "id AKIAIOSFODNN7",
        "EXAMPLE, 4012-8888-",
        "8888-1881 ok",
        ".",
    ];
    for (piece, place) in pieces.iter().zip(1..) {
        lane.push(&driver, piece, place == pieces.len(), false)
            .unwrap();
        held.push(lane.undecided(&driver, true));
        found.extend(lane.found().map(|sighting| (place, sighting.range)));
    }
    assert_eq!(held, [3, 25, 25, 48]);
    assert_eq!(found, [(4, 25..44)]);
}
