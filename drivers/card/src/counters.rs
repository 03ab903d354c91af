//! What every room counts has a name that whoever shows the figures can use.

/// Gives a struct of counters `named()`: every figure with its name, in the order given. It takes the struct apart
/// field by field, so a counter that was added and not named here does not compile.
///
/// ```
/// #[derive(Clone, Copy)]
/// struct Counters { frames: u32, slips: u64 }
/// tipring_card::name_counters!(Counters: frames, slips);
/// assert_eq!(Counters { frames: 3, slips: 1 }.named(), [("frames", 3), ("slips", 1)]);
/// assert_eq!(Counters::from_figures(|| 7).named(), [("frames", 7), ("slips", 7)]);
/// ```
#[macro_export]
macro_rules! name_counters {
    ($of:ident: $($field:ident),+ $(,)?) => {
        impl $of {
            /// How many figures these are.
            pub const COUNT: usize = [$(stringify!($field)),+].len();

            /// Every figure with its name.
            #[allow(clippy::useless_conversion)]
            pub fn named(&self) -> [(&'static str, u64); Self::COUNT] {
                let $of { $($field),+ } = *self;
                [$((stringify!($field), u64::from($field))),+]
            }

            /// The figures back from where they were kept, in the same order; one that does not fit is the highest.
            #[allow(clippy::unnecessary_fallible_conversions)]
            pub fn from_figures(mut next: impl FnMut() -> u64) -> Self {
                $(let $field = next().try_into().unwrap_or(!0);)+
                $of { $($field),+ }
            }
        }
    };
}
