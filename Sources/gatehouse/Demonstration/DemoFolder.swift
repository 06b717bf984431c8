import Certificates
import Linux
import OpenSSL
import Site

/// Where the demonstration keeps its certificates, its site file and its log.
struct DemoFolder {
    /// The names under which the site is reached.
    static let names = ["foobar.com", "www.foobar.com", "localhost"]

    let path: String

    var siteFile: String { path + "/site.yaml" }
    var accessLog: String { path + "/access.log" }
    /// The admin socket: not that of the site's name, which a gateway of this machine may bear.
    var socket: String { path + "/admin.sock" }
    var rootCertificate: String { path + "/ca.pem" }
    var store: String { path + "/certs" }

    /// Makes the folder, for the running user alone.
    /// - Throws: when another demonstration runs in it, whose files are not to be written over.
    init(_ path: String) throws {
        self.path = path
        try FileWriting.createFolder(path, followsLink: true)
        do {
            _ = try UnixSocket.connect(to: socket)
        } catch {
            return
        }
        throw ListenProblem("another demonstration runs in \(path): stop it, or name another folder with --dir")
    }

    /// `$XDG_RUNTIME_DIR/gatehouse/demo`, else `~/.local/state/gatehouse/demo`; nil when neither is known.
    static var usual: String? {
        if let folder = Environment.value("XDG_RUNTIME_DIR"), folder.hasPrefix("/") {
            return folder + "/gatehouse/demo"
        }
        guard let home = Environment.value("HOME"), home.hasPrefix("/") else { return nil }
        return home + "/.local/state/gatehouse/demo"
    }

    /// Makes the internal CA, if there is none, and writes its root certificate where people are told to find it. The
    /// gateway has it issue the server's certificate.
    func makeCA() throws {
        let now = Clock.realtimeSeconds
        let store = CertificateStore(folder: store)
        let ca = try store.locked { () throws(CertificateProblem) in
            try InternalCA.loadOrCreate(
                in: store,
                named: DemoSite.name,
                policy: InternalCAPolicy(SiteModel(name: DemoSite.name), for: Self.names),
                now: now
            )
        }
        try write(ca.rootCertificate.pem, to: rootCertificate)
    }

    func write(_ text: String, to file: String) throws {
        let bytes = Array(text.utf8)
        try FileWriting.replace(file, with: bytes.span, mode: 0o644)
    }
}
