//! Any sequence of steps, found and made small by proptest: the venue is the reference that the manager is compared with.

use exuvia_execution::Settings;
use proptest::prelude::*;

use crate::world::{Op, Without, World};

fn op() -> impl Strategy<Value = Op> {
    let (amount, which) = (1_i64..6, 0_usize..12);
    prop_oneof![
        2 => amount.clone().prop_map(Op::Market),
        2 => amount.clone().prop_map(Op::Limit),
        2 => amount.clone().prop_map(Op::Bracket),
        1 => which.clone().prop_map(Op::Cancel),
        1 => Just(Op::CancelAll),
        1 => (which.clone(), amount.clone()).prop_map(|(which, amount)| Op::Modify(which, amount)),
        1 => Just(Op::Flatten),
        4 => (which.clone(), amount.clone()).prop_map(|(which, amount)| Op::Fill(which, amount)),
        1 => (which, any::<bool>()).prop_map(|(which, expired)| Op::End(which, expired)),
        1 => amount.clone().prop_map(Op::ByHand),
        4 => amount.clone().prop_map(Op::Wait),
        1 => amount.prop_map(|amount| Op::ClockBack(amount * 10)),
        1 => Just(Op::Reconcile),
        1 => Just(Op::Crash),
        1 => (0_u64..1_000).prop_map(Op::PowerCut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_desk_ends_with_what_the_venue_has(
        seed in any::<u64>(),
        ops in prop::collection::vec(op(), 1..40),
    ) {
        let mut world = World::new(seed, Settings::default(), Without::Nothing);
        for op in &ops {
            world.step(op);
        }
        world.calm();
        prop_assert_eq!(world.faults(), None);
    }
}
