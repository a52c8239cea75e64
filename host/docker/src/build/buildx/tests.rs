use std::collections::BTreeMap;

use windlass_model::project::{Build, Service};
use windlass_plan::step::{BuildOptions, BuildSecret, SecretSource};
use windlass_runtime::engine::BuildRequest;

use super::*;

fn flags_of(build: &Build, secrets: &[BuildSecret], platform: &str) -> Vec<String> {
    let service = Service { platform: platform.to_owned(), build: Some(build.clone()), ..Service::default() };
    let (labels, options) = (BTreeMap::new(), BuildOptions::default());
    let request = BuildRequest { image: "app", service: &service, secrets, labels: &labels, options: &options };
    flags(&request, build)
}

fn value<'f>(flags: &'f [String], flag: &str) -> Vec<&'f str> {
    flags.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1].as_str()).collect()
}

#[test]
fn secrets_name_their_file_or_a_variable_that_no_argument_shows() {
    let secrets = [
        BuildSecret { id: "file".to_owned(), source: SecretSource::File("/s/a,b \"c\"".to_owned()) },
        BuildSecret { id: "typed".to_owned(), source: SecretSource::Value("hidden".to_owned()) },
    ];
    let flags = flags_of(&Build::default(), &secrets, "");
    let expected = ["id=file,type=file,\"src=/s/a,b \"\"c\"\"\"", "id=typed,type=env,env=WINDLASS_BUILD_SECRET_1"];
    assert_eq!(value(&flags, "--secret"), expected);
    assert!(!flags.iter().any(|flag| flag.contains("hidden")));
}

#[test]
fn every_platform_is_built_and_an_image_of_several_is_not_loaded() {
    let platforms = |list: &[&str]| Build {
        platforms: list.iter().map(|&platform| platform.to_owned()).collect(),
        ..Build::default()
    };
    let both = flags_of(&platforms(&["linux/amd64", "linux/arm64"]), &[], "linux/amd64");
    assert_eq!(value(&both, "--platform"), ["linux/amd64", "linux/arm64"]);
    assert!(both.contains(&"--output=type=image,push=false".to_owned()) && !both.contains(&"--load".to_owned()));
    let own = flags_of(&Build::default(), &[], "linux/arm64");
    assert_eq!(value(&own, "--platform"), ["linux/arm64"]);
    assert!(own.contains(&"--load".to_owned()));
}

#[tokio::test]
async fn output_in_any_encoding_and_without_line_feeds_is_passed_on() {
    let seen = std::sync::Mutex::new(Vec::new());
    let sink = |progress: TransferProgress| seen.lock().unwrap().push(progress);
    let mut bytes = b"#5 [2/2] RUN x\r\n#5 0.1 \xff\xfe\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'y', usize::try_from(LONGEST_LINE).unwrap() + 1));
    let tail = follow(bytes.as_slice(), &sink).await.unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[0].text, "#5 [2/2] RUN x");
    assert_eq!(seen[1].text, "#5 0.1 \u{fffd}\u{fffd}");
    assert_eq!(seen.iter().map(|progress| progress.id.as_str()).collect::<Vec<_>>(), ["#5", "#5", "", ""]);
    assert!(tail.text().ends_with("yyy\ny"));
}
