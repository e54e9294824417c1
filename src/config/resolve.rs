//! From a command line and an environment to settings: who is asked first, and what is told of what is not heard.

use super::command::{self, Line};
use super::idle::IDLE;
use super::place::{Place, System};
use super::settings::Setting;
use super::table::SETTINGS;
use super::unknown;
use super::values::BadValue;
use super::{Config, ConfigError, Invocation};
use std::collections::BTreeMap;
use std::ffi::OsString;

impl Config {
    /// Reads a command line (the program's name first) and an environment, as names and values.
    ///
    /// A variable that is empty or blank counts as unset, and so does one that Kubernetes has set for a service that is
    /// called as we are.
    ///
    /// # Errors
    /// The first bad flag, value or `SHARDMILL_` variable, in one line. Nothing is ignored or corrected silently.
    pub fn resolve<A>(
        args: A,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Invocation, ConfigError>
    where
        A: IntoIterator,
        A::Item: Into<OsString>,
    {
        let (in_place_of, flags) = match command::parse(args)? {
            Line::Serve { in_place_of, flags } => (in_place_of, flags),
            Line::Snapshot(task) => return Ok(Invocation::Snapshot(task)),
            Line::Show(text) => return Ok(Invocation::Show(text)),
        };
        let is_set =
            |name: &str, value: &str| !value.trim().is_empty() && !unknown::is_service_address(name, value);
        let env: BTreeMap<_, _> = env.into_iter().filter(|(name, value)| is_set(name, value)).collect();
        refuse_unknown(&env)?;
        let given = Given { flags, env };
        let place = Place::of(in_place_of);
        let mut config = Self { in_place_of, provider: place.provider, ..Self::default() };
        // The first row decides where the others are looked up.
        let (provider, others) = SETTINGS.split_at(1);
        for setting in provider {
            given.fill(&mut config, setting, place)?;
        }
        let place = Place { provider: config.provider, ..place };
        for setting in others {
            if let Some(default) = setting.other_default(place) {
                apply(&mut config, setting, "the default", default)?;
            }
        }
        for setting in others {
            given.fill(&mut config, setting, place)?;
        }
        Ok(Invocation::Serve { config: Box::new(config), notes: given.notes(place) })
    }
}

/// Refuses what is in our name and no setting.
fn refuse_unknown(env: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let ours = || SETTINGS.iter().filter_map(|setting| setting.env.first()).map(|name| name.text);
    let is_known = |name: &str| ours().any(|known| known == name) || unknown::is_of_service(name);
    let unknown = env.keys().find(|name| name.starts_with(unknown::PREFIX) && !is_known(name));
    unknown.map_or(Ok(()), |name| {
        let nearest = unknown::nearest(name, ours());
        Err(ConfigError::UnknownVariable { name: name.clone(), nearest })
    })
}

/// What flags and variables say.
struct Given {
    flags: BTreeMap<&'static str, String>,
    /// Without those that count as unset.
    env: BTreeMap<String, String>,
}

impl Given {
    /// Fills the field of a setting, if it is given.
    fn fill(&self, config: &mut Config, setting: &Setting, place: Place) -> Result<(), ConfigError> {
        if let Some((flag, value)) = setting.flags().find_map(|flag| self.flags.get_key_value(flag)) {
            return apply(config, setting, &format!("--{flag}"), value);
        }
        let mut heard = setting.env.iter().filter(|name| name.is_heard(place));
        let found = heard.find_map(|name| self.env.get(name.text).map(|value| (name.text, value)));
        found.map_or(Ok(()), |(name, value)| apply(config, setting, name, value))
    }

    /// A line for each thing that was given and means nothing in this place.
    fn notes(&self, place: Place) -> Vec<String> {
        // AWS's own variables are in every other environment, and meant for its clients.
        let names =
            SETTINGS.iter().flat_map(|setting| setting.env).filter(|name| !name.text.starts_with("AWS_"));
        let unheard = names.filter(|name| !name.is_heard(place) && self.env.contains_key(name.text));
        let unheard = unheard.map(|name| {
            let whose: Vec<_> = name.of.iter().map(|system| system.name()).collect();
            let here = if place.of == System::LocalStack { place.provider.system() } else { place.of };
            format!("{} is a variable of {} and not heard as {}", name.text, whose.join(" and "), here.name())
        });
        let idle = IDLE.iter().filter(|idle| match idle.flag() {
            Some(flag) => self.flags.contains_key(flag),
            None => self.env.contains_key(idle.name),
        });
        let idle = idle.map(|idle| format!("{} is accepted without effect: {}", idle.name, idle.why));
        unheard.chain(idle).collect()
    }
}

fn apply(config: &mut Config, setting: &Setting, given_as: &str, value: &str) -> Result<(), ConfigError> {
    (setting.apply)(config, value.trim()).map_err(|BadValue { part }| ConfigError::BadValue {
        given_as: given_as.to_owned(),
        value: value.to_owned(),
        part,
        accepted: setting.accepted,
    })
}
