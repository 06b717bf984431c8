/// One side of a rule: the addresses that are meant, and the hosts of the site that bear any of them.
struct Party: Sendable {
    let addresses: AddressSet
    /// By index of the host, ascending.
    let bearers: [Bearer]
    /// What of the addresses is groups that are meant by their addresses.
    var groups = AddressSet.none

    /// The indices of the hosts that are meant as such, with the addresses that they get from elsewhere.
    var whole: Set<Int> { Set(bearers.filter(\.isWhole).map(\.host)) }

    /// The indices of the hosts that are meant by name.
    var named: Set<Int> { Set(bearers.filter(\.isNamed).map(\.host)) }

    struct Bearer: Sendable {
        /// The host's index among the site's, by name.
        let host: Int
        /// Which of its addresses are meant.
        let addresses: AddressSet
        /// Whether the host as such is meant, by its name, a role, `all` or `any`, and with it the addresses that it
        /// gets from elsewhere.
        let isWhole: Bool
        /// Whether it is meant by its name, a role or `all`: a line that it gets nothing from does not hold.
        let isNamed: Bool

        /// The same with more addresses.
        func bearing(_ more: AddressSet) -> Self {
            Self(host: host, addresses: addresses.union(more), isWhole: isWhole, isNamed: isNamed)
        }
    }
}
