//! Functions of lists for the queries of domains: what a window has gathered (`array_agg(…) over …`) becomes a number, an element
//! or a shorter list.
//!
//! Evaluating many expressions over one sliding window costs each of them the search for its ends; gathering the window once and
//! doing arithmetic on the list costs it once. Only functions that make nothing longer than what they are given are here, and
//! clients have none of them.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use datafusion_functions_nested::{array_compact, array_sum, extract, inner_product, length, min_max};

/// `array_slice`, `array_element`, `array_compact`, `array_length`, `array_sum`, `array_min`, `array_max`, `inner_product`.
pub(crate) fn list_functions() -> [Arc<ScalarUDF>; 8] {
    [
        extract::array_slice_udf(),
        extract::array_element_udf(),
        array_compact::array_compact_udf(),
        length::array_length_udf(),
        array_sum::array_sum_udf(),
        min_max::array_min_udf(),
        min_max::array_max_udf(),
        inner_product::inner_product_udf(),
    ]
}
