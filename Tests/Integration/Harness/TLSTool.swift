/// `openssl s_client` against a gateway's listener, with what it says about the session.
struct TLSSession {
    let result: ToolResult

    /// - Parameters:
    ///   - name: the SNI; nil sends none.
    ///   - request: sent after the handshake; the connection is then kept until the gateway closes it.
    init(
        address: String = "127.0.0.1",
        port: UInt16,
        name: String? = "foobar.test",
        _ options: [String] = [],
        request: String = "GET / HTTP/1.1\r\nHost: foobar.test\r\nConnection: close\r\n\r\n",
        in directory: TemporaryDirectory
    ) throws {
        let names = name.map { ["-servername", $0] } ?? ["-noservername"]
        result = try run(
            "openssl",
            ["s_client", "-connect", "\(address):\(port)"] + (request.isEmpty ? [] : ["-ign_eof"]) + names + options,
            in: directory,
            input: request
        )
    }

    /// A handshake was completed.
    var succeeded: Bool {
        result.output.contains("SSL handshake has read") && !result.output.contains("Cipher is (NONE)")
    }

    /// It was an abbreviated one.
    var isResumed: Bool { result.output.contains("Reused, ") }

    /// As OpenSSL names it: `TLSv1.3`.
    var version: String? { word(after: "\n(?:New|Reused), ") ?? word(after: "Protocol  ?: ") }

    var cipher: String? { word(after: "Cipher is ") }

    var protocolName: String? { word(after: "ALPN protocol: ") }

    /// The subject of the certificate that was shown.
    var subject: String? { word(after: "subject=CN ?= ?") }

    /// The client saw a close_notify or the end that a whole answer brings, not a truncation.
    var text: String { result.output + result.error }

    private func word(after pattern: String) -> String? {
        guard let expression = try? Regex("\(pattern)([^\\s,]+)", as: (Substring, Substring).self) else { return nil }
        return result.output.firstMatch(of: expression).map { String($0.1) }
    }
}
