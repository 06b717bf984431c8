import Testing

/// A request that must not pass, and the answer it gets. The connection is closed after the answer.
struct Refusal: CustomTestStringConvertible, Sendable {
    let name: String
    let status: Int
    let bytes: String

    var testDescription: String { "\(status): \(name)" }

    static let host = "Host: foobar.test\r\n"

    init(_ name: String, _ bytes: String, status: Int = 400) {
        self.name = name
        self.status = status
        self.bytes = bytes
    }

    /// A GET with one more line, which ends in CRLF.
    static func line(_ name: String, _ line: String, _ status: Int = 400) -> Refusal {
        Refusal(name, "GET / HTTP/1.1\r\n\(host)\(line)\r\n\r\n", status: status)
    }

    /// A POST with these framing fields and this body.
    static func post(_ name: String, _ fields: String, body: String = "abc", _ status: Int = 400) -> Refusal {
        Refusal(name, "POST / HTTP/1.1\r\n\(host)\(fields)\r\n\(body)", status: status)
    }

    /// A POST whose chunked body is wrong.
    static func chunks(_ name: String, _ body: String, _ status: Int = 400) -> Refusal {
        post(name, "Transfer-Encoding: chunked\r\n", body: body, status)
    }

    /// A GET with this as its only Host field's value.
    static func host(_ name: String, _ value: String) -> Refusal {
        Refusal(name, "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n")
    }

    /// A request line, sent with a sound head.
    static func start(_ name: String, _ line: String, _ status: Int = 400) -> Refusal {
        Refusal(name, "\(line)\r\n\(host)\r\n", status: status)
    }
}
