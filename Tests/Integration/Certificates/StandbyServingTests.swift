import Foundation
import Testing

/// A certificate of another issuer that is kept ready while the gateway serves.
@Suite("A standby certificate", .patient)
struct StandbyServingTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    /// The subject and issuer of what a client is shown.
    private func shown() throws -> String { try directory.shown(at: port, "-subject -issuer") }

    @Test("a command puts it in the other's place at once; the list shows both, and the history tells of it")
    func byHand() throws {
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        let files = "{ files: { certificate: \(other.certificatePath), key: \(other.keyPath) } }"
        let site = try start("issuer: internal, standby: \(files), canary: 10%")
        #expect(try shown().contains("intermediate CA"))
        let list = try certs("list")
        #expect(list.status == 0 && list.output.contains("web.standby: files; good until"), "\(list)")
        let used = try certs("standby", "web", "--reason", "the CA was broken into")
        #expect(used.status == 0 && used.output.contains("the gateway serves it"), "\(used)")
        // A canary is not waited for.
        #expect(!used.output.contains("of the clients first"), "\(used)")
        #expect(try !shown().contains("intermediate CA"), "\(site.log)")
        let after = try certs("list")
        #expect(after.status == 0 && after.output.contains("web: internal; generation 2"), "\(after)")
        let history = try certs("audit", "web")
        #expect(history.status == 0 && history.output.contains("standby-used, generation 2"), "\(history)")
        #expect(history.output.contains("the CA was broken into"))
        let none = try certs("standby", "web.standby")
        #expect(none.status == 2 && none.error.contains("no `standby`"), "\(none)")
    }

    @Test("it comes in by itself where the usual one cannot be loaded at the start")
    func atStart() throws {
        let usual = try TestCertificate("usual", names: ["foobar.test"], in: directory)
        let files = "{ files: { certificate: \(usual.certificatePath), key: \(usual.keyPath) } }"
        let text = "issuer: \(files), standby: internal"
        let first = try start(text)
        #expect(try !shown().contains("intermediate CA"))
        try first.stop()
        #expect(try run("sh", ["-c", "echo garbage > \(usual.keyPath)"], in: directory).status == 0)
        let second = try start(text)
        #expect(second.log.contains("certificate web: ITS STANDBY IS SERVED"), "\(second.log)")
        #expect(try shown().contains("intermediate CA"))
    }
}
