import HTTPWire
import Linux
import OpenSSL
package import Site

/// One HTTP request to an ACME server.
package struct ACMERequest: Sendable, Equatable {
    package enum Method: String, Sendable { case get = "GET", head = "HEAD", post = "POST" }

    package let method: Method
    package let url: String
    /// A JSON Web Signature; empty for GET and HEAD.
    package let body: String

    package init(_ method: Method, _ url: String, body: String = "") {
        self.method = method
        self.url = url
        self.body = body
    }
}

/// What came back.
package struct ACMEResponse: Sendable, Equatable {
    package let status: Int
    /// By name in lower case, the last of each; of Link all, with commas between.
    package let fields: [String: String]
    package let body: [UInt8]

    package init(status: Int, fields: [String: String], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    package var json: JSONValue? { JSONValue(parsing: String(decoding: body, as: UTF8.self)) }

    /// The targets of Link fields of a relation (RFC 8288, section 3).
    package func links(_ relation: String) -> [String] {
        (fields["link"] ?? "").split(separator: "<").compactMap { part in
            guard let end = part.firstIndex(of: ">") else { return nil }
            let parameters = part[end...].lowercased()
            guard parameters.contains("rel=\"\(relation)\"") || parameters.contains("rel=\(relation)") else {
                return nil
            }
            return String(part[..<end])
        }
    }

    /// No CA is left alone for longer than a month, whatever it says: certificates would end meanwhile.
    internal static let longestPause: Int64 = 30 * 86_400

    /// When to come back, as Retry-After says (RFC 9110, section 10.2.3), in seconds from `now`, a month at most; nil
    /// without one.
    package func retryAfter(now: Int64) -> Int64? {
        guard let text = fields["retry-after"] else { return nil }
        let seconds = Int64(text) ?? HTTPDate.seconds(text).map { $0 - now }
        return seconds.map { min(max(0, $0), Self.longestPause) }
    }
}

/// Carries requests to ACME servers. Blocks its thread.
package protocol ACMETransport: AnyObject {
    /// - Throws: `unreachable`, when there was no answer.
    func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse
}

/// A name that a CA does not take for ours.
package struct Unproven: Equatable, Sendable {
    package let name: String
    package let why: String

    package init(name: String, why: String) {
        self.name = name
        self.why = why
    }
}

/// Why an ACME server gave no certificate.
package enum ACMEProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// No answer: no connection, no TLS, or none in time.
    case unreachable(url: String, why: String)
    /// The server says no (RFC 7807): its own type and words, with those of each part.
    ///
    /// - Parameter names: the identifiers that it says no to; empty where it does not say.
    case refused(url: String, status: Int, type: String, detail: String, names: [String] = [])
    /// The server asks to be left alone, and is for so many seconds.
    ///
    /// - Parameter isForAll: whatever is asked of it; else it may be about the names of one order alone.
    case rateLimited(detail: String, seconds: Int64, isForAll: Bool = false)
    /// The answer is not what RFC 8555 says it is.
    case malformed(url: String, why: String)
    /// It has issued a certificate, and that is refused here; `next` is when another is ordered, in seconds since 1970, 0 for
    /// with the next try.
    case unfit(url: String, why: String, next: Int64 = 0)
    /// A challenge could not be answered, or the CA did not find the answer.
    case challenge(name: String, why: String)
    /// The same, of several names.
    case challenges([Unproven])
    /// The CA gave the order up, though all names were shown to be ours; `names` as those of `refused`.
    case abandoned(why: String, names: [String] = [])
    /// The CA took longer than anyone waits.
    case late(what: String)
    case library(String)

    /// In one line, and without what a terminal would obey: most of it comes from the CA.
    package var description: String { words.printableLine }

    private var words: String {
        switch self {
        case .unreachable(let url, let why): "\(url) cannot be reached: \(why)"
        case .refused(let url, let status, let type, let detail, _):
            switch (status, type) {
            // What never reached the server.
            case (0, _): "\(url): \(detail)"
            case (_, "about:blank"): "\(url) refused with status \(status)\(Self.after(detail))"
            default: "\(url) refused (\(status), \(type))\(Self.after(detail))"
            }
        case .rateLimited(let detail, let seconds, _):
            "the CA wants to be left alone, and is for \(seconds) s\(Self.after(detail))"
        case .malformed(let url, let why): "\(url) answered what ACME does not know: \(why)"
        case .unfit(let url, let why, let next):
            "the CA has issued \(why) (\(url)), which is refused here"
                + (next == 0
                    ? ""
                    : "; since it counts its orders, each try looks at this one again, and another is made after \(UTC.text(next)), "
                        + "or by `gatehouse certs rotate` with --new-key")
        case .challenge(let name, let why): "the CA could not see that \(name) is yours: \(why)"
        case .challenges(let unproven):
            "the CA could not see that these names are yours: "
                + unproven.map { "\($0.name): \($0.why)" }.joined(separator: "; ")
        case .abandoned(let why, _): "the CA has given the order up: \(why)"
        case .late(let what): "the CA took too long for \(what); the next try goes on with the same order"
        case .library(let why): why
        }
    }

    private static func after(_ detail: String) -> String { detail.isEmpty ? "" : ": \(detail)" }
}
