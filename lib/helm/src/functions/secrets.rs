//! Passwords and ciphers: `bcrypt`, `htpasswd`, `derivePassword`, `encryptAES`, `decryptAES`.

use aes::Aes256;
use blowfish::Blowfish;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding, block_padding::Pkcs7};
use gotemplate::sprig::encoding::{Illegal, base64, from_base64};
use gotemplate::{Args, Call, Fault, Funcs, Str, Type, Value};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(super) fn register(funcs: &mut Funcs) {
    const TEXT_2: &[Type] = &[Type::String, Type::String];
    const DERIVE: &[Type] = &[Type::Uint32, Type::String, Type::String, Type::String, Type::String];
    funcs.add("bcrypt", &[Type::String], |call, args| Ok(bcrypt(call, args.string(0)?.as_bytes())?.into()));
    funcs.add("htpasswd", TEXT_2, |call, args| {
        let name = args.text(0)?;
        if name.contains(':') {
            return Ok(format!("invalid username: {name}").into());
        }
        Ok(format!("{name}:{}", bcrypt(call, args.string(1)?.as_bytes())?).into())
    });
    funcs.add("encryptAES", TEXT_2, encrypt);
    funcs.add("decryptAES", TEXT_2, decrypt);
    funcs.add("derivePassword", DERIVE, derive_password);
}

/// What Go's `bcrypt` costs by default: two to this power rounds.
const BCRYPT_COST: u32 = 10;
/// As steps, so that a template that hashes forever comes to the limit.
const BCRYPT_STEPS: usize = 1_000_000;
/// scrypt with 32 MiB and two lanes.
const SCRYPT_STEPS: usize = 4_000_000;

fn bcrypt(call: &mut Call<'_>, password: &[u8]) -> Result<String, Fault> {
    if password.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned());
    }
    call.spend_steps(BCRYPT_STEPS)?;
    let mut salt = [0; 16];
    call.random(&mut salt);
    let hash = bcrypt_hash(password, &salt);
    Ok(format!("$2a${BCRYPT_COST:02}${}{}", bcrypt_base64(&salt), bcrypt_base64(&hash[..23])))
}

fn bcrypt_hash(password: &[u8], salt: &[u8; 16]) -> Vec<u8> {
    let key = [password, &[0]].concat();
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u32 << BCRYPT_COST {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut hash = Vec::with_capacity(24);
    for block in b"OrpheanBeholderScryDoubt".chunks(8) {
        let word = |bytes: &[u8]| bytes.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let mut words = [word(&block[..4]), word(&block[4..])];
        for _ in 0..64 {
            words = state.bc_encrypt(words);
        }
        hash.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    }
    hash
}

/// base64 in bcrypt's own alphabet, without padding.
fn bcrypt_base64(bytes: &[u8]) -> String {
    let translate = |c: char| match c {
        'A' => '.',
        'B' => '/',
        'C'..='Z' | 'c'..='z' | '2'..='9' => char::from(c as u8 - 2),
        'a'..='b' => char::from(c as u8 - b'a' + b'Y'),
        '0'..='1' => char::from(c as u8 - b'0' + b'y'),
        '+' => '8',
        '/' => '9',
        other => other,
    };
    base64(bytes).trim_end_matches('=').chars().map(translate).collect()
}

/// The password's first 32 bytes, filled up with zeros.
fn aes_key(password: &Str) -> [u8; 32] {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(password.as_bytes()) {
        *to = *from;
    }
    key
}

fn encrypt(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (password, text) = (args.string(0)?, args.string(1)?);
    if text.is_empty() {
        return Ok("".into());
    }
    call.spend_bytes(text.len() * 2)?;
    let mut iv = [0; 16];
    call.random(&mut iv);
    let cipher = cbc::Encryptor::<Aes256>::new(&aes_key(password).into(), &iv.into());
    let encrypted = cipher.encrypt_padded_vec::<Pkcs7>(text.as_bytes());
    Ok(base64(&[&iv[..], &encrypted].concat()).into())
}

fn decrypt(_: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    let (password, text) = (args.string(0)?, args.string(1)?);
    if text.is_empty() {
        return Ok("".into());
    }
    let bytes = from_base64(text.as_bytes())
        .map_err(|Illegal(at)| Fault::message(format!("illegal base64 data at input byte {at}")))?;
    let malformed = || Fault::message("crypto/cipher: input not full blocks");
    let (iv, encrypted) = bytes.split_first_chunk::<16>().ok_or_else(malformed)?;
    let cipher = cbc::Decryptor::<Aes256>::new(&aes_key(password).into(), &(*iv).into());
    let mut decrypted = cipher.decrypt_padded_vec::<NoPadding>(encrypted).map_err(|_| malformed())?;
    let padding = usize::from(*decrypted.last().ok_or_else(malformed)?);
    let length = decrypted.len().checked_sub(padding).ok_or_else(malformed)?;
    decrypted.truncate(length);
    Ok(Str::from(decrypted).into())
}

/// The Master Password algorithm: the same inputs always give the same password.
fn derive_password(call: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = args.text(1)?;
    let Some((_, templates)) = PASSWORD_TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return Ok(format!("cannot find password template {kind}").into());
    };
    call.spend_steps(SCRYPT_STEPS)?;
    let (password, user, site) = (args.string(2)?.as_bytes(), args.string(3)?.as_bytes(), args.string(4)?.as_bytes());
    let counter = u32::try_from(args.int(0)?).unwrap_or(0);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let failed = |error: String| Fault::message(format!("failed to derive password: {error}"));

    let mut key = [0; 64];
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|error| failed(error.to_string()))?;
    let salt = [SEED, &length(user), user].concat();
    scrypt::scrypt(password, &salt, &parameters, &mut key).map_err(|error| failed(error.to_string()))?;

    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).map_err(|error| failed(error.to_string()))?;
    mac.update(&[SEED, &length(site), site, &counter.to_be_bytes()].concat());
    let seed = mac.finalize().into_bytes();

    let template = templates[usize::from(seed[0]) % templates.len()];
    let character = |(class, byte): (char, &u8)| {
        let characters = password_characters(class).as_bytes();
        char::from(characters[usize::from(*byte) % characters.len()])
    };
    Ok(template.chars().zip(&seed[1..]).map(character).collect::<String>().into())
}

const PASSWORD_TEMPLATES: &[(&str, &[&str])] = &[
    ("maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        "long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    ("medium", &["CvcnoCvc", "CvcCvcno"]),
    ("short", &["Cvcn"]),
    ("basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    ("pin", &["nnnn"]),
];

fn password_characters(class: char) -> &'static str {
    match class {
        'V' => "AEIOU",
        'C' => "BCDFGHJKLMNPQRSTVWXYZ",
        'v' => "aeiou",
        'c' => "bcdfghjklmnpqrstvwxyz",
        'A' => "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        'a' => "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        'n' => "0123456789",
        'o' => "@&%?,=[]_:-+*$#!'^~;()/.",
        _ => "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}
