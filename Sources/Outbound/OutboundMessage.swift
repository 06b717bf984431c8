package import Linux

/// What control and the outbound helper say to each other.
package enum OutboundMessage: Codable, Equatable, Sendable {
    // Control to helper.

    /// Ask these from now on, each as `ADDRESS:PORT` or `[ADDRESS]:PORT`. Comes before the first `resolve`;
    /// questions that are open end with `cancelled`.
    case nameServers([String])
    /// Answer `resolved` with the same number.
    case resolve(number: UInt64, name: String)
    /// Answer `restricted` with the same number.
    case restrictions(number: UInt64, name: String)
    /// Answer `fetched` with the same number. Only for a helper that was started with authorities.
    case fetch(number: UInt64, FetchRequest)

    // Helper to control.

    /// The sandbox stands; questions may come.
    case hello(process: Int32, sandbox: Sandbox.Report)
    case resolved(number: UInt64, NameAnswer)
    case restricted(number: UInt64, RestrictionAnswer)
    case fetched(number: UInt64, FetchAnswer)
}

/// What the name servers said of who may certify one name: its CAA records (RFC 8659).
package enum RestrictionAnswer: Codable, Equatable, Sendable {
    /// Those at the name itself; none when it has none or does not exist. At most `most`.
    case records([Record])
    case failed(LookupFailure)

    package struct Record: Codable, Equatable, Sendable {
        /// Who does not know the tag must not certify the name.
        package var isCritical: Bool
        /// `issue`, for instance.
        package var tag: String
        package var value: String

        package init(isCritical: Bool, tag: String, value: String) {
            self.isCritical = isCritical
            self.tag = tag
            self.value = value
        }
    }

    /// Records that are taken; what an answer has beyond them is left out.
    package static let most = 64
}

/// What the name servers said of one name.
package struct NameAnswer: Codable, Equatable, Sendable {
    /// A records.
    package var v4: Records
    /// AAAA records.
    package var v6: Records

    package init(v4: Records, v6: Records) {
        self.v4 = v4
        self.v6 = v6
    }

    /// The answer to one question.
    package enum Records: Codable, Equatable, Sendable {
        /// In the order of the answer, 4 or 16 bytes each, at least one and at most `mostAddresses`; `ttl` in
        /// seconds, that of aliases on the way included.
        case addresses([[UInt8]], ttl: UInt32)
        /// The name has none of this kind (NODATA), or does not exist (NXDOMAIN).
        case none(exists: Bool)
        case failed(LookupFailure)
    }

    /// Addresses of one kind that are taken; what an answer has beyond them is left out.
    package static let mostAddresses = 64
}

/// Why the name servers gave no answer.
package enum LookupFailure: String, Codable, Equatable, Sendable, CaseIterable {
    case timedOut, serverFailed, refused, notImplemented, malformed, unreachable, badName, cancelled, noMemory

    /// As a phrase.
    package var phrase: String {
        switch self {
        case .timedOut: "no name server answered in time"
        case .serverFailed: "the name servers failed (SERVFAIL)"
        case .refused: "the name servers refuse to answer (REFUSED)"
        case .notImplemented: "the name servers do not know the question (NOTIMP)"
        case .malformed: "the answer was malformed"
        case .unreachable: "no name server can be reached"
        case .badName: "it is no name that DNS can carry"
        case .cancelled: "the question was given up"
        case .noMemory: "out of memory"
        }
    }
}
