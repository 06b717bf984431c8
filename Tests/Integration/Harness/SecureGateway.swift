/// A gateway with a plain and a TLS listener in front of one pool.
struct SecureGateway {
    let gateway: Gateway
    let plain: UInt16
    let secure: UInt16
    let directory: TemporaryDirectory

    /// - Parameters:
    ///   - names: of each certificate; the first certificate is `foobar`.
    ///   - pools: beside `web`, which has `servers` and `pool`.
    ///   - binary: in place of the one that was built with the tests.
    ///   - environment: added to the one of the tests.
    init(
        _ servers: [SiteFile.Server],
        names: [[String]] = [["foobar.test", "www.foobar.test"]],
        keys: [TestCertificate.Key] = [.ecdsa],
        routes: [String] = ["{ hosts: [foobar.test, www.foobar.test], pool: web }"],
        tls options: String = "",
        protocols: String = "",
        gateway settings: [String] = [],
        pool: [String] = [],
        further pools: [String: SiteFile.Pool] = [:],
        workers: Int = 2,
        in directory: TemporaryDirectory? = nil,
        binary: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        plain = try Ports.free()
        secure = try Ports.free()
        var certificates: [TestCertificate] = []
        for (index, covered) in names.enumerated() {
            let name = index == 0 ? "foobar" : "other-\(index)"
            for key in keys { certificates.append(try TestCertificate(name, names: covered, key: key, in: directory)) }
        }
        var site = SiteFile(http: plain, servers: servers, pool: pool, gateway: settings)
        var distinct: [TestCertificate] = []
        for certificate in certificates where !distinct.contains(where: { $0.name == certificate.name }) {
            distinct.append(certificate)
        }
        let listener = SiteFile.secure(secure, distinct, options)
        site.listeners.append(protocols.isEmpty ? listener : "\(listener.dropLast(2)), protocols: [\(protocols)] }")
        site.routes = routes
        site.pools.merge(pools) { $1 }
        site.certificates = certificates
        gateway = try Gateway(
            site,
            ports: [plain, secure],
            in: directory,
            workers: workers,
            binary: binary,
            environment: environment
        )
    }

    /// curl to the TLS listener. The certificate is self-signed and not checked.
    func curl(_ arguments: String..., path: String = "/", host: String = "foobar.test") throws -> ToolResult {
        try run(
            "curl",
            [
                "--silent", "--show-error", "--insecure", "--max-time", "120", "--resolve",
                "\(host):\(secure):127.0.0.1",
            ] + arguments + ["https://\(host):\(secure)\(path)"],
            in: directory,
            within: .seconds(150)
        )
    }
}
