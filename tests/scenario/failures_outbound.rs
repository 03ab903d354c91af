pub const ROWS: &[crate::failures::Group] = &[];
pub const SCENARIOS: &[(&str, &str)] = &[];
