/// `headers`: fields that the gateway adds, keeps or drops.
package struct HeaderSettings: Sendable, Equatable {
    /// What tells the app server about the client.
    package var forwarded = Forwarded.xForwarded
    /// `request-id`
    package var requestID = RequestID.keep
    /// A set of security headers on answers.
    package var security = Security.off
    /// Strict-Transport-Security on answers over TLS; nil for none. Routes may override it.
    package var hsts: HSTSSettings?
    /// Request fields with `_` in their name, which CGI servers cannot tell from `-`.
    package var underscores = Underscores.drop

    package init() {}

    package enum Forwarded: String, Sendable, CaseIterable {
        /// X-Forwarded-For, -Proto, -Host and -Port.
        case xForwarded = "x-forwarded"
        /// Forwarded (RFC 7239).
        case rfc7239
        case both
    }

    package enum RequestID: String, Sendable, CaseIterable {
        /// X-Request-Id of a trusted proxy is kept, any other made anew.
        case keep
        /// Always made anew.
        case make
    }

    package enum Security: String, Sendable, CaseIterable {
        case off
        /// Fields that break no working site.
        case basic
        /// Those, and ones that the site must have been written for.
        case strict
    }

    package enum Underscores: String, Sendable, CaseIterable {
        case drop, keep
    }
}

/// `hsts`: Strict-Transport-Security (RFC 6797).
package struct HSTSSettings: Sendable, Equatable {
    /// `max-age`: zero tells browsers to forget.
    package var maxAge = Duration.seconds(31_536_000)
    /// `include-subdomains`
    package var includeSubdomains = false
    package var preload = false

    package init() {}
}
