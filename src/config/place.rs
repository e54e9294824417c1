//! In whose place a server runs: what decides which variables it hears and which defaults it has.
//!
//! Started by its own name, shardmill stands where LocalStack listens: on LocalStack's port, with LocalStack's
//! variables, and beside them those of the provider that `KINESIS_PROVIDER` names. Started as kinesis-mock or kinesalite
//! are, it stands in for that system alone, with its ports and variables. Whoever starts such a backend may leave their
//! own variables in its environment, as LocalStack does, which means them for itself: they are not heard then.

use std::ffi::OsStr;
use std::path::Path;

/// A system whose users need not change how they start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are names")]
pub enum System {
    LocalStack,
    KinesisMock,
    Kinesalite,
}

impl System {
    /// Its name as its users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalStack => "LocalStack",
            Self::KinesisMock => "kinesis-mock",
            Self::Kinesalite => "kinesalite",
        }
    }

    /// The one that a program of this name is: a copy of shardmill, or a link to it, where that system's program was.
    pub(super) fn of_program(name: &OsStr) -> Self {
        let file = Path::new(name).file_name().and_then(OsStr::to_str).unwrap_or_default();
        let systems = [("kinesis-mock", Self::KinesisMock), ("kinesalite", Self::Kinesalite)];
        let found = systems.into_iter().find(|(program, _)| file.starts_with(program));
        found.map_or(Self::LocalStack, |(_, system)| system)
    }
}

/// What LocalStack can have behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are names")]
pub enum Provider {
    KinesisMock,
    Kinesalite,
}

impl Provider {
    /// The system that it is.
    pub(super) const fn system(self) -> System {
        match self {
            Self::KinesisMock => System::KinesisMock,
            Self::Kinesalite => System::Kinesalite,
        }
    }
}

/// Where a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) of: System,
    pub(super) provider: Provider,
}

impl Place {
    /// In the place of a system; its provider is not known yet if that is LocalStack.
    pub(super) const fn of(system: System) -> Self {
        let provider = match system {
            System::LocalStack | System::KinesisMock => Provider::KinesisMock,
            System::Kinesalite => Provider::Kinesalite,
        };
        Self { of: system, provider }
    }

    /// Whether variables of this system are heard there.
    pub(super) fn hears(self, system: System) -> bool {
        system == self.of || self.of == System::LocalStack && system == self.provider.system()
    }
}

/// Where a default holds that is not shardmill's usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// In the place of that system.
    InPlaceOf(System),
    /// With that provider, also in LocalStack's place.
    With(Provider),
}

impl Where {
    pub(super) fn is(self, place: Place) -> bool {
        match self {
            Self::InPlaceOf(system) => system == place.of,
            Self::With(provider) => provider == place.provider,
        }
    }

    /// The words for the table of settings.
    pub(super) fn text(self) -> String {
        match self {
            Self::InPlaceOf(system) => format!("as {}", system.name()),
            Self::With(provider) => format!("with {}", provider.system().name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the names under which the two systems' programs were shipped, wherever they lie.
    #[test]
    fn programs_are_known_by_their_names() {
        for (name, system) in [
            ("shardmill", System::LocalStack),
            ("/opt/kinesis-mock/shardmill", System::LocalStack),
            ("", System::LocalStack),
            ("kinesis-mock", System::KinesisMock),
            ("/opt/kinesis-mock-linux-amd64-static", System::KinesisMock),
            ("./kinesis-mock-macos-amd64-dynamic", System::KinesisMock),
            ("/usr/bin/kinesalite", System::Kinesalite),
        ] {
            assert_eq!(System::of_program(OsStr::new(name)), system, "{name}");
        }
    }

    /// Protects: LocalStack's users may set their provider's variables too; a backend hears its own alone.
    #[test]
    fn a_backend_hears_its_own() {
        let systems = [System::LocalStack, System::KinesisMock, System::Kinesalite];
        let heard = |place: Place| systems.map(|system| place.hears(system));
        let edge = Place::of(System::LocalStack);
        assert_eq!(heard(edge), [true, true, false]);
        assert_eq!(heard(Place { provider: Provider::Kinesalite, ..edge }), [true, false, true]);
        assert_eq!(heard(Place::of(System::KinesisMock)), [false, true, false]);
        assert_eq!(heard(Place::of(System::Kinesalite)), [false, false, true]);
    }
}
