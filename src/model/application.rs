//! An application at one of the services.

use std::time::Duration;

use super::{Call, EmptyLife, Kind, Lineage, Ownership, Room};

/// An application at one of the services, with the settings that its kind has and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    kind: Kind,
    operator: Option<String>,
    is_test: Option<bool>,
    dissolve_after: Option<Duration>,
    ownership: Option<Ownership>,
}

impl Application {
    /// Makes an application with the vendor's defaults. A kind without an operator drops `operator`.
    #[must_use]
    pub fn new(kind: Kind, operator: Option<String>) -> Self {
        let operator = operator.filter(|_| kind.spec().operator.is_some());
        let dissolve_after = match &kind.spec().empty_life {
            EmptyLife::OfApplication { default, range: _ } => Some(*default),
            EmptyLife::OfRoom | EmptyLife::None => None,
        };
        Self { kind, operator, is_test: None, dissolve_after, ownership: None }
    }

    /// Sets `is_test`, for the kinds with lower limits for test projects.
    #[must_use]
    pub fn with_is_test(self, is_test: Option<bool>) -> Self {
        let is_test = is_test.filter(|_| !self.kind.spec().test_limits.is_empty());
        Self { is_test, ..self }
    }

    /// Sets how long an empty room lives, for the kinds whose vendor configures that for the
    /// application.
    #[must_use]
    pub fn with_dissolve_after(self, span: Duration) -> Self {
        let dissolve_after = self.dissolve_after.map(|_| span);
        Self { dissolve_after, ..self }
    }

    /// Sets the key of the ownership attribute, for the kinds whose rooms have attributes.
    #[must_use]
    pub fn with_ownership_attribute(self, key: &str) -> Self {
        let has_attributes = self.kind.spec().attribute_calls.is_some();
        Self { ownership: has_attributes.then(|| Ownership::new(key)), ..self }
    }

    /// Sets the lineage of the state that owns the rooms.
    #[must_use]
    pub fn of_lineage(self, lineage: &Lineage) -> Self {
        let ownership = self.ownership.map(|ownership| ownership.of_lineage(lineage.clone()));
        Self { ownership, ..self }
    }

    /// Returns the kind of the service.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the user in whose name calls are made, or `None` if the service needs none. ZIM:
    /// FromUserId; Tencent: `identifier`, an administrator of the application.
    #[must_use]
    pub fn operator(&self) -> Option<&str> {
        self.operator.as_deref()
    }

    /// Returns `IsTest`, for RTC projects made on or before 2021-11-16; left out for the others.
    #[must_use]
    pub const fn is_test(&self) -> Option<bool> {
        self.is_test
    }

    /// Returns how long an empty room lives by the vendor's setting of the application, or `None` if
    /// there is no such setting.
    #[must_use]
    pub const fn dissolve_after(&self) -> Option<Duration> {
        self.dissolve_after
    }

    /// Returns the ownership attribute, or `None` if none is declared.
    #[must_use]
    pub const fn ownership(&self) -> Option<&Ownership> {
        self.ownership.as_ref()
    }

    /// Returns the vendor's limit of `call`, in requests a second.
    #[must_use]
    pub fn limit(&self, call: Call) -> u32 {
        let spec = self.kind.spec();
        let test_limits = if self.is_test == Some(true) { spec.test_limits } else { &[] };
        let mut limits = test_limits.iter().chain(spec.calls);
        limits.find(|(known, _)| *known == call).map_or(1, |(_, limit)| *limit)
    }

    /// Returns how long a room lives while it is empty, or `None` if its users create and end it.
    #[must_use]
    pub fn empty_life(&self, room: &Room) -> Option<Duration> {
        match &self.kind.spec().empty_life {
            EmptyLife::None => None,
            EmptyLife::OfRoom => Some(room.delay()),
            EmptyLife::OfApplication { default: _, range: _ } => self.dissolve_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_project_queries_people_once_a_second() {
        let rtc = |is_test| {
            let application = Application::new(Kind::Rtc, None).with_is_test(is_test);
            application.limit(Call::DescribeUserNum)
        };
        assert_eq!((rtc(None), rtc(Some(false)), rtc(Some(true))), (10, 10, 1));
    }

    #[test]
    fn an_application_has_the_settings_of_its_kind_only() {
        for kind in Kind::ALL {
            let all = Application::new(*kind, Some("admin".to_owned()));
            let all = all.with_is_test(Some(true)).with_dissolve_after(Duration::from_hours(1));
            let has = (all.operator().is_some(), all.is_test(), all.dissolve_after());
            let expected = match kind {
                Kind::Rtc => (false, Some(true), None),
                Kind::Zim => (true, None, None),
                Kind::TencentLive => (true, None, Some(Duration::from_hours(1))),
            };
            assert_eq!(has, expected, "{kind}");
        }
    }
}
