import Bytes

extension FieldName {
    /// Finds a name by its text in lower case; `other` when it is none that the gateway acts upon.
    ///
    /// The length leaves at most four candidates, so no table and no hash is needed.
    package init(_ lowercase: Span<UInt8>) {
        switch lowercase.count {
        case 2: self = lowercase.equals("te") ? .te : .other
        case 3: self = lowercase.equals("via") ? .via : .other
        case 4: self = lowercase.equals("host") ? .host : lowercase.equals("date") ? .date : .other
        case 6:
            self =
                lowercase.equals("accept")
                ? .accept
                : lowercase.equals("cookie")
                    ? .cookie : lowercase.equals("expect") ? .expect : lowercase.equals("server") ? .server : .other
        case 7:
            self =
                lowercase.equals("referer")
                ? .referer
                : lowercase.equals("upgrade") ? .upgrade : lowercase.equals("trailer") ? .trailer : .other
        case 8: self = lowercase.equals("location") ? .location : .other
        case 9: self = lowercase.equals("forwarded") ? .forwarded : lowercase.equals("x-real-ip") ? .xRealIP : .other
        case 10:
            self =
                lowercase.equals("connection")
                ? .connection
                : lowercase.equals("user-agent")
                    ? .userAgent
                    : lowercase.equals("set-cookie")
                        ? .setCookie : lowercase.equals("keep-alive") ? .keepAlive : .other
        case 11: self = lowercase.equals("retry-after") ? .retryAfter : .other
        case 12:
            self =
                lowercase.equals("content-type")
                ? .contentType : lowercase.equals("x-request-id") ? .xRequestID : .other
        case 13: self = lowercase.equals("authorization") ? .authorization : .other
        case 14: self = lowercase.equals("content-length") ? .contentLength : .other
        case 15:
            self =
                lowercase.equals("accept-encoding")
                ? .acceptEncoding : lowercase.equals("x-forwarded-for") ? .xForwardedFor : .other
        case 16:
            self =
                lowercase.equals("proxy-connection")
                ? .proxyConnection
                : lowercase.equals("x-forwarded-host")
                    ? .xForwardedHost : lowercase.equals("x-forwarded-port") ? .xForwardedPort : .other
        case 17:
            self =
                lowercase.equals("transfer-encoding")
                ? .transferEncoding
                : lowercase.equals("x-forwarded-proto")
                    ? .xForwardedProto : lowercase.equals("sec-websocket-key") ? .secWebSocketKey : .other
        case 18: self = lowercase.equals("proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: self = lowercase.equals("proxy-authorization") ? .proxyAuthorization : .other
        case 20: self = lowercase.equals("sec-websocket-accept") ? .secWebSocketAccept : .other
        case 21: self = lowercase.equals("sec-websocket-version") ? .secWebSocketVersion : .other
        case 25: self = lowercase.equals("strict-transport-security") ? .strictTransportSecurity : .other
        default: self = .other
        }
    }

    /// The name in lower case; empty for `other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .authorization: "authorization"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .host: "host"
        case .keepAlive: "keep-alive"
        case .location: "location"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .referer: "referer"
        case .retryAfter: "retry-after"
        case .secWebSocketKey: "sec-websocket-key"
        case .secWebSocketAccept: "sec-websocket-accept"
        case .secWebSocketVersion: "sec-websocket-version"
        case .server: "server"
        case .setCookie: "set-cookie"
        case .strictTransportSecurity: "strict-transport-security"
        case .te: "te"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .userAgent: "user-agent"
        case .via: "via"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedPort: "x-forwarded-port"
        case .xForwardedProto: "x-forwarded-proto"
        case .xRealIP: "x-real-ip"
        case .xRequestID: "x-request-id"
        }
    }

    /// Whether the field is about this connection alone, named by Connection or not
    /// (RFC 9110 section 7.6.1, RFC 9112 section 6.1).
    package var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade, .proxyAuthenticate,
            .proxyAuthorization:
            true
        default: false
        }
    }
}
