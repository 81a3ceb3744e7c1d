//! Any lines, each of any flag of the `--set` family: never a panic, never much memory, and what one line sets another
//! finds.
#![no_main]

use helm::strvals;
use helm::values::Table;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut values = Table::new();
    for line in text.lines().take(8) {
        let (flag, line) = match line.chars().next() {
            Some(flag) => (flag, &line[flag.len_utf8()..]),
            None => continue,
        };
        let _ = match flag {
            's' => strvals::set_string(&mut values, line),
            'j' => strvals::set_json(&mut values, line),
            'f' => strvals::set_file(&mut values, line, &mut |path| match path {
                "" => Err("no such file".to_owned()),
                path => Ok(path.to_owned()),
            }),
            'l' => strvals::set_literal(&mut values, line),
            _ => strvals::set(&mut values, line),
        };
    }
    let _ = serde_json::to_string(&values);
});
