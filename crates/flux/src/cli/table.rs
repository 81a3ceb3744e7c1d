//! Tables as Flux prints them: columns padded with blanks and parted by tabs.

/// Lays out a table. Without a header the rows stand alone.
///
/// Each column is as wide as its widest line. A cell of several lines makes its row as high; the other cells of the row
/// are blank there. Rows end with a tab, the header with a blank.
///
/// # Source
/// Flux 2.9.4's output, recorded byte by byte, and its table printer's settings.
pub(crate) fn layout(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or_default();
    let mut widths = vec![0; columns];
    for (column, title) in header.iter().enumerate() {
        widen(&mut widths, column, title);
    }
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            cell.split('\n').for_each(|line| widen(&mut widths, column, line));
        }
    }
    let mut text = String::new();
    if !header.is_empty() {
        for (column, title) in header.iter().enumerate() {
            pad(&mut text, &title.to_uppercase(), widths[column]);
            text.push(if column + 1 == header.len() { ' ' } else { '\t' });
        }
        text.push('\n');
    }
    for row in rows {
        let cells: Vec<Vec<&str>> = row.iter().map(|cell| cell.split('\n').collect()).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        for line in 0..height {
            for (column, width) in widths.iter().enumerate() {
                let part = cells.get(column).and_then(|cell| cell.get(line)).copied().unwrap_or_default();
                pad(&mut text, part, *width);
                text.push('\t');
            }
            text.push('\n');
        }
    }
    text
}

fn widen(widths: &mut [usize], column: usize, line: &str) {
    if let Some(width) = widths.get_mut(column) {
        *width = (*width).max(line.chars().count());
    }
}

fn pad(text: &mut String, part: &str, width: usize) {
    text.push_str(part);
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(part.chars().count())));
}

#[cfg(test)]
mod tests {
    use super::layout;

    fn row(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_padded_and_rows_end_with_a_tab() {
        let text =
            layout(&["Name", "Ready", "Message"], &[row(["a", "True", "all is well"]), row(["long-name", "", ""])]);
        assert_eq!(
            text,
            "NAME     \tREADY\tMESSAGE     \n\
             a        \tTrue \tall is well\t\n\
             long-name\t     \t           \t\n"
        );
    }

    #[test]
    fn a_cell_of_several_lines_leaves_the_others_blank() {
        let text = layout(&["A", "B", "C"], &[row(["x", "one\ntwo three\n", "é"])]);
        assert_eq!(text, "A\tB        \tC \nx\tone      \té\t\n \ttwo three\t \t\n \t         \t \t\n");
    }

    #[test]
    fn without_header_the_rows_stand_alone() {
        assert_eq!(layout(&[], &[row(["x", "yy", ""])]), "x\tyy\t\t\n");
        assert_eq!(layout(&["Name", "Ready"], &[]), "NAME\tREADY \n");
    }
}
