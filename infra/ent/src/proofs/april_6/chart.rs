//! Settles how curves are drawn: inline SVG with words, readable when printed in black and white.

use std::fmt::Write as _;

use super::series::Curve;
use crate::proofs::html::escape;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 22.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 26.0;
/// Colour and dashes of a line: two lines differ in both.
const STYLES: [(&str, &str); 4] =
    [("#0b57a4", ""), ("#b3420e", "7 3"), ("#1a7f37", "2 2"), ("#6b3fa0", "9 3 2 3")];

/// What is marked on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) from_s: f64,
    /// A moment when absent.
    pub(super) to_s: Option<f64>,
    pub(super) text: String,
    /// Whether it is a fault or an attack, and not an hour of the day.
    pub(super) is_fault: bool,
}

/// Lines over the seconds of a run.
pub(super) fn lines(curves: &[Curve], marks: &[Mark], length_s: f64, limit: Option<f64>) -> String {
    let highest = curves.iter().flat_map(|(_, points)| points).map(|point| point.1);
    let top = nice(highest.chain(limit).fold(1.0, f64::max));
    let x = |second: f64| LEFT + (WIDTH - LEFT - RIGHT) * (second / length_s).clamp(0.0, 1.0);
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
    let mut svg = opening();
    for mark in marks {
        draw_mark(&mut svg, mark, &x);
    }
    scale(&mut svg, top, &y);
    if let Some(limit) = limit {
        let at = y(limit);
        put(
            &mut svg,
            &format!("<line x1='{LEFT}' x2='{:.0}' y1='{at:.1}' y2='{at:.1}' class='limit'/>", WIDTH - RIGHT),
        );
    }
    for (place, ((name, points), (colour, dashes))) in curves.iter().zip(STYLES).enumerate() {
        let path: Vec<String> =
            points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        let style = format!("stroke='{colour}' stroke-dasharray='{dashes}'");
        put(&mut svg, &format!("<polyline points='{}' {style}/>", path.join(" ")));
        let (from, row) = (LEFT + 8.0 + 190.0 * f64::from(u8::try_from(place).unwrap_or(0)), 12.0);
        put(
            &mut svg,
            &format!(
                "<line x1='{from}' x2='{}' y1='{}' y2='{}' {style} stroke-width='2'/>",
                from + 26.0,
                row - 4.0,
                row - 4.0
            ),
        );
        put(&mut svg, &format!("<text x='{}' y='{row}'>{}</text>", from + 30.0, escape(name)));
    }
    svg.push_str("</svg>");
    svg
}

/// Bars, each with its name below and its count above.
pub(super) fn bars(bars: &[(String, f64)]) -> String {
    let top = nice(bars.iter().map(|bar| bar.1).fold(1.0, f64::max));
    let width = (WIDTH - LEFT - RIGHT) / f64::from(u32::try_from(bars.len().max(1)).unwrap_or(1));
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
    let mut svg = opening();
    scale(&mut svg, top, &y);
    for (place, (name, value)) in bars.iter().enumerate() {
        let left = LEFT + width * f64::from(u32::try_from(place).unwrap_or(0));
        let (middle, height) = (left + width / 2.0, y(0.0) - y(*value));
        let bar = format!(
            "<rect x='{:.1}' y='{:.1}' width='{:.1}' height='{height:.1}' class='bar'/>",
            left + 2.0,
            y(*value),
            width - 4.0
        );
        put(&mut svg, &bar);
        put(
            &mut svg,
            &format!("<text x='{middle:.1}' y='{:.1}' class='middle'>{value:.0}</text>", y(*value) - 3.0),
        );
        put(
            &mut svg,
            &format!("<text x='{middle:.1}' y='{:.1}' class='middle'>{}</text>", HEIGHT - 10.0, escape(name)),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn opening() -> String {
    format!("<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img'>")
}

fn draw_mark(svg: &mut String, mark: &Mark, x: &impl Fn(f64) -> f64) {
    let (from, bottom) = (x(mark.from_s), HEIGHT - BOTTOM);
    let class = if mark.is_fault { "fault" } else { "hour" };
    if let Some(to) = mark.to_s {
        put(
            svg,
            &format!(
                "<rect x='{from:.1}' y='{TOP}' width='{:.1}' height='{:.1}' class='{class}'/>",
                x(to) - from,
                bottom - TOP
            ),
        );
    }
    put(svg, &format!("<line x1='{from:.1}' x2='{from:.1}' y1='{TOP}' y2='{bottom}' class='{class}-line'/>"));
    let row = if mark.is_fault { TOP + 10.0 } else { HEIGHT - 10.0 };
    put(svg, &format!("<text x='{:.1}' y='{row}'>{}</text>", from + 2.0, escape(&mark.text)));
}

fn scale(svg: &mut String, top: f64, y: &impl Fn(f64) -> f64) {
    for quarter in 0..=4_u8 {
        let value = top * f64::from(quarter) / 4.0;
        let at = y(value);
        put(
            svg,
            &format!("<line x1='{LEFT}' x2='{:.0}' y1='{at:.1}' y2='{at:.1}' class='grid'/>", WIDTH - RIGHT),
        );
        put(svg, &format!("<text x='{:.0}' y='{:.1}' class='end'>{value}</text>", LEFT - 5.0, at + 4.0));
    }
}

fn put(svg: &mut String, element: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "{element}");
}

/// The next of 1, 2, 4 or 8 times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let factor = [1.0, 2.0, 4.0, 8.0].into_iter().find(|factor| factor * power >= value);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_its_lines_marks_and_limit() {
        let mark = Mark { from_s: 5.0, to_s: Some(8.0), text: "flood <1>".to_owned(), is_fault: true };
        let svg = lines(&[("came".to_owned(), vec![(0.0, 0.0), (10.0, 7.0)])], &[mark], 10.0, Some(3.0));
        assert!(svg.contains("<polyline points='52.0,214.0 848.0,46.0'"), "{svg}");
        assert!(svg.contains("flood &lt;1&gt;") && svg.contains("class='limit'"));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!([0.3, 1.0, 7.0, 84.0, 90.0].map(nice), [0.4, 1.0, 8.0, 100.0, 100.0]);
    }
}
