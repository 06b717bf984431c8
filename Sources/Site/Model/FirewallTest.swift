/// One line of `tests`: what is to become of a new connection.
package struct FirewallTest: Sendable, Equatable {
    package var from: End
    package var to: End
    package var service: Service
    package var expected: Expectation
    package var position = SourcePosition.none

    package init(from: End, to: End, service: Service, expect expected: Expectation) {
        self.from = from
        self.to = to
        self.service = service
        self.expected = expected
    }

    /// A host of the site, every address of which is tried, or one address.
    package enum End: Sendable, Hashable {
        case host(String)
        case address(IPAddress)
    }

    package enum Service: Sendable, Hashable {
        /// One of the site's services, every port of which is tried, or `icmp`: an echo request.
        case named(String)
        /// Written out: `tcp/3306`.
        case ports(SiteService)
    }

    package enum Expectation: String, Sendable, CaseIterable {
        case accept, drop, reject
    }
}
