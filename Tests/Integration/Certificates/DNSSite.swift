import Foundation

/// A site without a running gateway, whose certificates are ordered by hand, by records in a name server of Pebble's.
struct DNSSite {
    let directory: TemporaryDirectory
    let pebble: Pebble

    init(_ options: Pebble.Options = .init()) throws {
        directory = try TemporaryDirectory()
        pebble = try Pebble(options, in: directory)
    }

    /// Writes the site file.
    /// - Parameters:
    ///   - url: the CA's directory; Pebble's when left out.
    ///   - issuer: further keys of the issuer.
    func write(_ issuer: String = "", names: String = "[a.test, b.test]", url: String? = nil, key: String = "") throws {
        try directory.write(
            """
            site: a.test
            certificate-store: store
            certificates:
              web:
                names: \(names)
                \(key)
                issuer: { acme: "\(url ?? pebble.url)", trust: pebble.crt, \(try pebble.hook()), \(issuer) }
            """,
            to: "site.yaml"
        )
    }

    /// - Parameter socket: the running gateway's; no gateway is there without it.
    func certs(_ arguments: String..., socket: String = "none.sock") throws -> ToolResult {
        try run(
            try Gateway.binary,
            ["certs"] + arguments + ["--site", directory.path("site.yaml"), "--socket", directory.path(socket)],
            in: directory,
            within: .seconds(200)
        )
    }

    /// The first certificate of a generation's chain, or the last.
    func issuers(generation: Int) throws -> [String] {
        let chain = directory.path("store/web/\(generation)/fullchain.pem")
        let text = try run(
            "sh",
            ["-c", "openssl crl2pkcs7 -nocrl -certfile \(chain) | openssl pkcs7 -print_certs -noout"],
            in: directory
        ).output
        return text.split(separator: "\n").filter { $0.hasPrefix("issuer=") }.map(String.init)
    }

    /// The serial number of a generation, in hexadecimal digits.
    func serial(generation: Int) throws -> String {
        let chain = directory.path("store/web/\(generation)/fullchain.pem")
        let said = try run("openssl", ["x509", "-in", chain, "-noout", "-serial"], in: directory).output
        return said.split(separator: "=").last.map { $0.filter { $0.isHexDigit }.lowercased() } ?? ""
    }

    func plan() throws -> [String: Any] {
        let bytes = try directory.contents(of: "store/plans/web")
        return try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] ?? [:]
    }
}
