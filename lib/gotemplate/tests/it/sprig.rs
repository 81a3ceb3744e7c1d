//! Sprig's functions: sprig's own tests as far as this crate has the functions, and Go's answers where they surprise.

use gotemplate::{Templates, Value, sprig};

use crate::{corpus, data};

/// What `helm` registers on top, and what nobody does.
const ELSEWHERE: &[&str] =
    &["semver", "gen", "encryptAES", "env \"", "expandenv", "shuffle", "sprig.fixtureTO", "bcrypt", "derivePassword"];

fn run(template: &str, data: Value) -> Result<String, String> {
    let mut templates = Templates::new(sprig::funcs());
    templates.parse("test", template).map_err(|error| error.to_string())?;
    let text = templates.execute("test", data, &mut data::session()).map_err(|error| error.to_string())?;
    Ok(text.to_str().into_owned())
}

#[test]
fn sprigs_own_tests() {
    let Some(file) = corpus::read("sprig.json") else { return };
    let mut ran = 0;
    let mut failures = Vec::new();
    for case in corpus::cases(&file) {
        let template = case["template"].as_str().unwrap();
        // `kindOf .` of a struct of sprig's tests cannot be asked either.
        let is_fixture = case["test"] == "TestTypeOf" || (case["test"] == "TestKindOf" && !case["data"].is_array());
        if is_fixture || case["test"] == "TestKindIs" || ELSEWHERE.iter().any(|name| template.contains(name)) {
            continue;
        }
        ran += 1;
        let outcome = run(template, corpus::value(&case["data"]));
        let holds = match (&outcome, case["expect"].as_str()) {
            (Ok(text), Some(expected)) => text == expected,
            (Err(_), None) => true,
            _ => false,
        };
        if !holds {
            failures.push(format!("{case} gave {outcome:?}"));
        }
    }
    corpus::settle("sprig", ran, 330, &failures);
}

#[track_caller]
fn check(template: &str, expected: &str) {
    assert_eq!(run(template, Value::Nil).as_deref(), Ok(expected), "{template}");
}

#[track_caller]
fn refuse(template: &str, part: &str) {
    let message = run(template, Value::Nil).unwrap_err();
    assert!(message.contains(part), "{template} says {message}");
}

#[test]
fn numbers_are_made_of_anything() {
    check(
        r#"{{ int "0x1f" }} {{ int "010" }} {{ int "08" }} {{ int "3.00" }} {{ int "3.5" }} {{ int 3.9 }}"#,
        "31 8 0 3 0 3",
    );
    check(r#"{{ int true }} {{ int nil }} {{ int (list 1) }} {{ float64 "1e3" }} {{ float64 "x" }}"#, "1 0 0 1000 0");
    check(r#"{{ add 9223372036854775807 1 }} {{ atoi "12x" }} {{ toDecimal "777" }}"#, "-9223372036854775808 0 511");
    check(
        "{{ addf 0.1 0.2 }} {{ divf 10 3 }} {{ round 123.5555 3 }} {{ max 1 2.9 }}",
        "0.3 3.3333333333333335 123.556 2",
    );
    refuse("{{ div 1 0 }}", "integer divide by zero");
    refuse("{{ divf 1 0 }}", "decimal division by 0");
}

#[test]
fn regular_expressions_follow_re2() {
    check(
        r#"{{ regexMatch "^\\w+$" "é" }} {{ regexMatch "\\d" "٣" }} {{ regexMatch "[[:alpha:]]" "é" }}"#,
        "false false false",
    );
    check(r#"{{ regexFind "\\Qa.b\\E+" "xa.bbb" }} {{ regexFind "\\101\\x42" "ABC" }}"#, "a.bbb AB");
    check(r#"{{ regexFindAll "[a&&b]" "a&c" -1 }} {{ regexMatch "a{,2}" "a{,2}" }}"#, "[a &] true");
    check(r#"{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexReplaceAll "a" "bab" "$1x" }}"#, "-W-xxW- bb");
    check(r#"{{ regexReplaceAllLiteral "a" "bab" "${1}" }} {{ regexSplit "z+" "pizza" 2 }}"#, "b${1}b [pi a]");
    refuse(r#"{{ regexFind "a**" "a" }}"#, "invalid nested repetition operator: `**`");
    refuse(r#"{{ regexFind "a{1001}" "a" }}"#, "invalid repeat count: `{1001}`");
    refuse(r#"{{ regexFind "(?=a)" "a" }}"#, "invalid or unsupported Perl syntax: `(?=`");
    refuse(r#"{{ regexFind "[b-a]" "a" }}"#, "invalid character class range: `b-a`");
    refuse(r#"{{ regexFind "\\1" "a" }}"#, "invalid escape sequence: `\\1`");
    check(r#"{{ regexMatch "(" "a" }}"#, "false");
}

#[test]
fn dates_follow_layouts() {
    check(
        r#"{{ dateInZone "Monday, 02-Jan-06 15:04:05 MST | 2006-01-02T15:04:05.000Z07:00 | 3:04pm _2 002" 1700000000 "America/New_York" }}"#,
        "Tuesday, 14-Nov-23 17:13:20 EST | 2023-11-14T17:13:20.000-05:00 | 5:13pm 14 318",
    );
    check(r#"{{ (toDate "2006-01-02 15:04:05 -0700" "2024-03-10 01:30:00 +0530").Unix }}"#, "1710014400");
    check(r#"{{ toDate "2006-01-02" "2024-02-30" }}"#, "0001-01-01 00:00:00 +0000 UTC");
    refuse(
        r#"{{ mustToDate "2006-01-02" "24-1-1" }}"#,
        r#"parsing time "24-1-1" as "2006-01-02": cannot parse "24-1-1" as "2006""#,
    );
    refuse(r#"{{ mustToDate "2006-01-02" "2024-13-01" }}"#, r#"parsing time "2024-13-01": month out of range"#);
    check(
        r#"{{ duration "95" }} {{ durationRound "-61s" }} {{ (toDate "2006" "2024") | dateModify "-1.5h" | unixEpoch }}"#,
        "1m35s 1m 1704061800",
    );
}

#[test]
fn encodings_fail_where_go_says() {
    check(
        r#"{{ b64dec "aGk" }} | {{ b64dec "aG*=" }} | {{ b64dec "aGk=" }} | {{ b64dec "aGk=x" }}"#,
        "illegal base64 data at input byte 0 | illegal base64 data at input byte 2 | hi | illegal base64 data at input byte 4",
    );
    check(r#"{{ b32enc "hello" }} {{ b32dec "NBSWY3DP" }}"#, "NBSWY3DP hello");
    check(r#"{{ mustFromJson "{\"a\": [1, \"\\u00e9\\ud83d\\ude00\"]}" }}"#, "map[a:[1 é😀]]");
    refuse(r#"{{ mustFromJson "{\"a\" 1}" }}"#, "invalid character '1' after object key");
    refuse(r#"{{ mustFromJson "[1," }}"#, "unexpected end of JSON input");
    refuse(r#"{{ mustFromJson "tru" }}"#, "unexpected end of JSON input");
}

#[test]
fn dictionaries_are_shared() {
    check(
        r#"{{ $a := dict "x" (dict "y" 1) }}{{ $b := merge (dict) $a }}{{ $_ := set $b.x "z" 2 }}{{ $a }} {{ $c := deepCopy $a }}{{ $_ := set $c.x "q" 3 }}{{ $a }}"#,
        "map[x:map[y:1 z:2]] map[x:map[y:1 z:2]]",
    );
    check(
        r#"{{ merge (dict "a" "" "l" (list)) (dict "a" "b" "l" (list 1)) }} {{ mergeOverwrite (dict "a" 1 "l" (list 1)) (dict "a" 0 "l" (list)) }}"#,
        "map[a:b l:[1]] map[a:0 l:[]]",
    );
    refuse(
        r#"{{ dig "a" "b" 1 (dict "a" "text") }}"#,
        "interface conversion: interface {} is string, not map[string]interface {}",
    );
}

#[test]
fn urls_come_apart_and_together_as_in_go() {
    check(r#"{{ (urlParse "HTTPS://user:p%40ss@[::1]:8443/a%2Fb?q=1#frag").userinfo }}"#, "user:p%40ss");
    check(r#"{{ with urlParse "mailto:a@b.c" }}{{ .scheme }} {{ .opaque }}{{ end }}"#, "mailto a@b.c");
    refuse(r#"{{ urlParse "http://a b/" }}"#, "invalid character \" \" in host name");
    refuse(r#"{{ urlParse ":x" }}"#, "missing protocol scheme");
    refuse(r#"{{ urlJoin (dict "host" 1) }}"#, "unable to parse host key, must be of type string, but int found");
}
