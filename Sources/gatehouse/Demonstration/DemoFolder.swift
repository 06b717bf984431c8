import Certificates
import Linux

/// Where the demonstration keeps its certificates, its site file and its log.
struct DemoFolder {
    /// The names under which the site is reached.
    static let names = ["foobar.com", "www.foobar.com", "localhost"]
    private static let certificateName = "foobar.com"
    /// Seconds that a certificate must still be valid to be used again.
    private static let margin: Int64 = 7 * 86_400

    let path: String

    var siteFile: String { path + "/site.yaml" }
    var accessLog: String { path + "/access.log" }
    /// The admin socket: not that of the site's name, which a gateway of this machine may bear.
    var socket: String { path + "/admin.sock" }
    var rootCertificate: String { path + "/ca.pem" }
    private var store: CertificateStore { CertificateStore(folder: path + "/certs") }

    /// Makes the folder, for the running user alone.
    init(_ path: String) throws {
        self.path = path
        try FileWriting.createFolder(path)
    }

    /// `$XDG_RUNTIME_DIR/gatehouse/demo`, else `~/.local/state/gatehouse/demo`; nil when neither is known.
    static var usual: String? {
        if let folder = Environment.value("XDG_RUNTIME_DIR"), folder.hasPrefix("/") {
            return folder + "/gatehouse/demo"
        }
        guard let home = Environment.value("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/gatehouse/demo"
    }

    /// The files of the server's certificate; it and the CA are made when there are none that will do.
    func certificate() throws -> (certificate: String, key: String) {
        let now = Int64(Clock.realtimeMicroseconds / 1_000_000)
        let ca = try InternalCA.loadOrCreate(in: store, named: "Gatehouse demo", now: now)
        try write(ca.rootPEM, to: rootCertificate)
        if let files = try files(), isUsable(files, at: now + Self.margin) { return files }
        try store.save(ca.issue(names: Self.names, now: now), as: Self.certificateName)
        guard let files = try files() else {
            throw CertificateProblem.missing(name: Self.certificateName, folder: store.folder)
        }
        return files
    }

    func write(_ text: String, to file: String) throws {
        let bytes = Array(text.utf8)
        try FileWriting.replace(file, with: bytes.span, mode: 0o644)
    }

    private func isUsable(_ files: (certificate: String, key: String), at moment: Int64) -> Bool {
        let loaded = try? CertificateSource.load(
            certificate: files.certificate,
            key: files.key,
            now: moment,
            trust: .ownerOnly
        )
        return loaded != nil
    }

    /// The store's current generation; nil when there is none.
    private func files() throws -> (certificate: String, key: String)? {
        guard try store.contains(Self.certificateName) else { return nil }
        let home = "\(store.folder)/\(Self.certificateName)"
        let bytes = try FileReading.read(home + "/current", limit: 32)
        let number = String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber }
        return ("\(home)/\(number)/fullchain.pem", "\(home)/\(number)/key.pem")
    }
}
