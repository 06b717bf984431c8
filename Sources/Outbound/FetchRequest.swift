/// One HTTPS request that the helper makes.
package struct FetchRequest: Codable, Equatable, Sendable {
    package enum Method: String, Codable, Sendable { case get, head, post }

    package var method: Method
    /// Begins with `https://`.
    package var url: String
    /// The URL's host and port.
    package var host: String
    package var port: UInt16
    /// Where the host is; empty when it is an address itself.
    package var addresses: [String]
    package var body: String
    /// What the helper says it is.
    package var agent: String
    /// Seconds that the server may take for the whole answer.
    package var patience: Int

    package init(
        _ method: Method,
        url: String,
        host: String,
        port: UInt16,
        addresses: [String],
        body: String,
        agent: String,
        patience: Int
    ) {
        self.method = method
        self.url = url
        self.host = host
        self.port = port
        self.addresses = addresses
        self.body = body
        self.agent = agent
        self.patience = patience
    }
}

/// What came of it.
package enum FetchAnswer: Codable, Equatable, Sendable {
    /// Fields by name in lower case, the last of each; of Link all, with commas between.
    case answered(status: Int, fields: [String: String], body: [UInt8])
    /// An answer came, and more of it than is taken; the words say how much that is.
    case excessive(String)
    /// There was no whole answer; the words say why.
    case failed(String)
}
