//! A moment, for machines in UTC and for people as their browser writes it.

use leptos::{prelude::*, wasm_bindgen::JsValue};

use crate::ui::state::effect::effect;

const MS_PER_DAY: i64 = 24 * 60 * 60 * 1_000;

/// A moment. The server does not know the reader's clock and language, so it writes UTC, which the browser replaces once
/// it has taken over.
#[component]
pub fn Timestamp(at_ms: i64) -> impl IntoView {
    let utc = utc_text(at_ms);
    let shown = RwSignal::new(format!("{} UTC", utc[..16].replace('T', " ")));
    effect(move || shown.set(local_text(at_ms)));

    view! {
        <time class="timestamp" datetime=utc>
            {move || shown.get()}
        </time>
    }
}

/// The reader's own way to write it: the time for today, else the day, too.
fn local_text(at_ms: i64) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(at_ms as f64));
    let now = js_sys::Date::new_0();
    let options = js_sys::Object::new();
    let set = |name: &str, value: &str| _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    set("hour", "2-digit");
    set("minute", "2-digit");
    if date.to_date_string() != now.to_date_string() {
        set("day", "numeric");
        set("month", "short");
        if date.get_full_year() != now.get_full_year() {
            set("year", "numeric");
        }
    }
    date.to_locale_string(&language(), &options).into()
}

/// Whose way of writing it is: the reader's choice, else the browser's.
fn language() -> String {
    let root = document().document_element();
    let chosen = root.and_then(|root| root.get_attribute("data-language")).filter(|tag| !tag.is_empty());
    chosen.unwrap_or_else(|| "default".to_owned())
}

/// ISO 8601 with milliseconds, in UTC.
fn utc_text(at_ms: i64) -> String {
    let (year, month, day) = civil_from_days(at_ms.div_euclid(MS_PER_DAY));
    let ms = at_ms.rem_euclid(MS_PER_DAY);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1_000)
}

/// The proleptic Gregorian date of a day counted from 1970-01-01 (Howard Hinnant's algorithm); a date library would be
/// a tenth of the browser half.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        assert_eq!(utc_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc_text(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(utc_text(1_735_689_599_999), "2024-12-31T23:59:59.999Z");
        assert_eq!(utc_text(-1), "1969-12-31T23:59:59.999Z");
    }
}
