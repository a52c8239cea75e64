//! Tables in columns, cell for cell as the Docker client's.

use unicode_width::UnicodeWidthStr as _;

/// How wide columns are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Least width of a cell with its padding.
    pub min_width: usize,
    /// Blanks after the widest cell.
    pub padding: usize,
}

/// Layout of `ps` and of tables by template.
pub(crate) const DOCKER: Layout = Layout { min_width: 10, padding: 3 };
/// Layout of `ls`, `images` and other tables.
pub(crate) const PRETTY: Layout = Layout { min_width: 20, padding: 3 };
/// Layout of our own tables.
pub(crate) const TIGHT: Layout = Layout { min_width: 0, padding: 2 };

/// Rows as text, one line each. The last cell of a row is not padded; a column is as wide as its widest cell in
/// *consecutive* rows that have a cell after it, which is how Go's `tabwriter` counts.
#[must_use]
pub(crate) fn render(layout: Layout, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|column| width(layout, rows, column)).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn width(layout: Layout, rows: &[Vec<String>], column: usize) -> usize {
    let cells = rows.iter().filter(|row| row.len() > column + 1).map(|row| row[column].width());
    let widest = cells.max().unwrap_or(0);
    if widest == 0 { 0 } else { (widest + layout.padding).max(layout.min_width) }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    for (index, cell) in row.iter().enumerate() {
        text.push_str(cell);
        if index + 1 < row.len() {
            text.extend(std::iter::repeat_n(' ', widths[index].saturating_sub(cell.width())));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn cells_have_a_least_width_and_three_blanks() {
        let text = render(DOCKER, &rows(&[&["NAME", "PORTS"], &["a-rather-long-name", ""]]));
        assert_eq!(text, "NAME                 PORTS\na-rather-long-name   \n");
        assert_eq!(render(DOCKER, &rows(&[&["NAME", "X"]])), "NAME      X\n");
    }

    #[test]
    fn wide_characters_count_twice() {
        let text = render(TIGHT, &rows(&[&["日本", "x"], &["abcde", "y"]]));
        assert_eq!(text, "日本   x\nabcde  y\n");
    }
}
