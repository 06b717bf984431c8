package import OpenSSL
import Site

/// When a CA wants a certificate of its renewed (RFC 9773, section 4.2).
package struct RenewalInformation: Sendable, Equatable {
    /// Seconds since 1970.
    package let window: ClosedRange<Int64>
    /// What a person should read about it.
    package let explanation: String?
    /// When to ask again: seconds from now, as the CA says it, between a minute and a day; 6 hours when it says nothing.
    package let pause: Int64

    /// Section 4.3.3: bounds for what a CA says.
    private static let pauses: ClosedRange<Int64> = 60...86_400
    package static let usualPause: Int64 = 6 * 3_600

    /// - Parameter now: seconds since 1970.
    /// - Returns: nil when it is not what RFC 9773 says.
    package init?(_ answer: ACMEResponse, now: Int64) {
        guard let json = answer.json, let window = json["suggestedWindow"], let start = window["start"]?.moment,
            let end = window["end"]?.moment, start < end
        else { return nil }
        self.window = start...end
        explanation = json["explanationURL"]?.text
        pause = Self.bounded(answer.retryAfter(now: now) ?? Self.usualPause)
    }

    /// Seconds until another question, as a CA says it, within the bounds.
    internal static func bounded(_ pause: Int64) -> Int64 {
        min(max(pause, pauses.lowerBound), pauses.upperBound)
    }

    /// How a CA names a certificate (section 4.1); nil for one without an authority key identifier.
    package static func identifier(of certificate: Certificate) -> String? {
        guard let authority = certificate.authorityKeyIdentifier, !certificate.serialNumber.isEmpty else { return nil }
        return "\(Base64URL.encode(authority)).\(Base64URL.encode(certificate.serialNumber))"
    }
}

extension ACMESession {
    /// When the CA wants `certificate` renewed; nil when it does not say.
    package func renewalInformation(for certificate: Certificate, now: Int64) throws(ACMEProblem) -> RenewalInformation?
    {
        guard let base = try directory().renewalInfo, let name = RenewalInformation.identifier(of: certificate) else {
            return nil
        }
        let url = (base.hasSuffix("/") ? base : base + "/") + name
        guard let found = RenewalInformation(try get(url), now: now) else {
            throw .malformed(url: url, why: "no window in which to renew")
        }
        return found
    }
}

extension JSONValue {
    /// RFC 3339, seconds since 1970; fractions of a second are cut off.
    fileprivate var moment: Int64? {
        guard let text, let dot = text.firstIndex(of: ".") else { return self.text.flatMap { DateTime($0)?.seconds } }
        let rest = text[text.index(after: dot)...].drop { $0.isNumber }
        return DateTime(String(text[..<dot] + rest))?.seconds
    }
}

extension DateTime {
    fileprivate init?(_ text: String) {
        guard let value = try? DateTime(text: text) else { return nil }
        self = value
    }
}
