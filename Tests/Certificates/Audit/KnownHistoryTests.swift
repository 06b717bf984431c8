import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("A store that is older than it was")
struct KnownHistoryTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
    /// What a gateway has had.
    private let gateway = SiteWishes()

    init() throws { scratch = try Scratch() }

    private func provider(_ wishes: SiteWishes?) -> CertificateProvider {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = scratch.store.folder
        return CertificateProvider(for: site, now: now, after: wishes)
    }

    /// Keeps the store as it is under another name.
    private func copy(to name: String) throws {
        let copied = try RealTools.run("cp", "-a", scratch.store.folder, "\(scratch.path)/\(name)")
        #expect(copied.status == 0, "\(copied)")
    }

    /// Puts what was kept in the store's place.
    private func bring(_ name: String) throws {
        try FileManager.default.removeItem(atPath: scratch.store.folder)
        try FileManager.default.moveItem(atPath: "\(scratch.path)/\(name)", toPath: scratch.store.folder)
    }

    @Test("is told, and nothing of it taken, by who knows the newer one, also when somebody goes on with it")
    func putBack() throws {
        _ = try provider(gateway).provide(settings)
        #expect(provider(gateway).storeWarnings().isEmpty)
        try copy(to: "backup")
        let fresh = try provider(nil).issue(settings, reason: "its key was stolen")
        #expect(provider(gateway).storeWarnings().isEmpty)
        try copy(to: "newest")
        try bring("backup")
        let problem = CertificateProblem.olderStore(folder: scratch.store.folder)
        for _ in 0..<2 {
            #expect(throws: problem) { try provider(gateway).provide(settings) }
            #expect(throws: problem) { try provider(gateway).issue(settings, reason: "a test") }
            #expect(throws: problem) { try provider(gateway).revocationLists() }
            #expect(provider(gateway).storeWarnings() == ["\(problem)"])
            _ = try provider(nil).issue(settings, reason: "a test")
        }
        // Who begins with it knows no other.
        #expect(provider(SiteWishes()).storeWarnings().isEmpty)
        try bring("newest")
        #expect(provider(gateway).storeWarnings().isEmpty)
        #expect(try provider(gateway).provide(settings).bundles[0].leaf.der == fresh.leaf.der)
    }

    @Test("is none that goes on, or went back to a generation, nor one whose history is gone, damaged or begun anew")
    func others() throws {
        for _ in 0..<2 { _ = try provider(gateway).issue(settings, reason: "a test") }
        #expect(provider(gateway).storeWarnings().isEmpty)
        _ = try provider(nil).rollBack(settings, reason: "a test")
        #expect(provider(gateway).storeWarnings().isEmpty)
        let path = scratch.store.audit.path
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        let lines = whole.split(separator: "\n")
        // The last line was changed, is cut short, and is whole again.
        let cut = String(whole.dropLast(3))
        for text in [cut + "0\"}\n", cut] {
            try scratch.write("certs/audit.log", text)
            let told = provider(gateway).storeWarnings()
            #expect(told.count == 1 && !told[0].contains("IS ONE OF BEFORE"), "\(told)")
            try scratch.write("certs/audit.log", whole)
            #expect(provider(gateway).storeWarnings().isEmpty)
        }
        try scratch.write("certs/audit.log", lines.dropFirst().joined(separator: "\n") + "\n")
        _ = try provider(gateway).issue(settings, reason: "a test")
        let told = provider(gateway).storeWarnings()
        #expect(told.count == 1 && told[0].contains("audit.log.damaged-1"), "\(told)")
        try FileManager.default.removeItem(atPath: path + ".damaged-1")
        try FileManager.default.removeItem(atPath: path)
        _ = try provider(nil).issue(settings, reason: "a test")
        #expect(provider(gateway).storeWarnings().isEmpty)
    }
}
