/// One line of `tests`: what is to become of a new connection.
package struct FirewallTest: Sendable, Equatable {
    package var from: End
    package var to: End
    /// Every port of it is tried; of `icmp` an echo request.
    package var service: ServiceReference
    package var expected: Expectation
    package var position = SourcePosition.none

    package init(from: End, to: End, service: ServiceReference, expect expected: Expectation) {
        self.from = from
        self.to = to
        self.service = service
        self.expected = expected
    }

    /// A host of the site, every address of which is tried, but none that it shares where `accept` is expected; or one address.
    package enum End: Sendable, Hashable {
        case host(String)
        case address(IPAddress)
    }

    package enum Expectation: String, Sendable, CaseIterable {
        case accept, drop, reject
    }
}
