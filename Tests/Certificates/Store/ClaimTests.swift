import Certificates
import Foundation
import Site
import Testing

@Suite("Who makes a certificate")
struct ClaimTests {
    private let scratch: Scratch
    private let now = Int64(Date().timeIntervalSince1970)

    init() throws { scratch = try Scratch() }

    @Test("is known to all others for as long as it does, by process, machine, moment and command")
    func signed() throws {
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let provider = scratch.provider(at: now)
        #expect(provider.claim(of: settings) == nil)
        try provider.claimed(settings, by: "gatehouse certs rotate", isPatient: false, tell: { _ in }) {
            () throws(CertificateProblem) in
            let claim = provider.claim(of: settings)
            #expect(claim?.process == Int(getpid()) && claim?.command == "gatehouse certs rotate")
            #expect((now...now + 600).contains(claim?.start ?? 0) && claim?.machine.isEmpty == false)
            #expect(throws: CertificateProblem.beingMade(name: "web", claim)) {
                try scratch.provider(at: now).claimed(settings, by: "", isPatient: false, tell: { _ in }) {}
            }
        }
        // A child that another test is starting has a copy of the lock until its program begins.
        let end = ContinuousClock.now + .seconds(60)
        while provider.claim(of: settings) != nil, ContinuousClock.now < end { usleep(1_000) }
        #expect(provider.claim(of: settings) == nil)
        // Who comes next and has not signed yet is not taken for this one.
        let file = scratch.store.folder + "/.claims/web"
        #expect(try String(contentsOfFile: file, encoding: .utf8).isEmpty)
        #expect(throws: CertificateProblem.noStandby(name: "web")) {
            try provider.claimed(settings, by: "a test", isPatient: false, tell: { _ in }) {
                () throws(CertificateProblem) in throw .noStandby(name: "web")
            }
        }
        #expect(try String(contentsOfFile: file, encoding: .utf8).isEmpty)
    }

    @Test("what the internal CA has made for another meanwhile is not made once more")
    func overtaken() throws {
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let provider = scratch.provider(for: settings, at: now)
        var questions = 0
        let made = try provider.whereNeeded(settings) { () -> String? in
            questions += 1
            guard provider.standing(settings).leaves.isEmpty else { return nil }
            _ = try? scratch.provider(for: settings, at: now).issue(settings, reason: "of a gateway")
            return "there was none in the store"
        } make: { (reason, footing) throws(CertificateProblem) in
            try provider.issue(settings, reason: reason, on: footing)
        }
        #expect(made == nil && questions == 2)
        #expect(try scratch.store.currentGeneration(of: "web") == 1)
    }

    private func give(_ path: String, to user: Int) throws {
        try FileManager.default.setAttributes([.ownerAccountID: user], ofItemAtPath: path)
    }

    @Test("nobody, root included, leaves anything in a store of somebody else's, nor in an empty folder of his")
    func foreignStore() throws {
        guard geteuid() == 0 else { return print("not tried: only root may give folders away") }
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let folder = scratch.store.folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder)
        try give(folder, to: 12_345)
        let provider = scratch.provider(for: settings, at: now)
        let refused = #expect(throws: CertificateProblem.self) {
            try provider.claimed(settings, by: "a test", isPatient: false, tell: { _ in }) {}
        }
        let words = refused?.description ?? ""
        #expect(words.contains("\(folder): belongs to user 12345") && words.contains("sudo -u '#12345'"), "\(words)")
        #expect(throws: CertificateProblem.self) { try provider.issue(settings, reason: "test") }
        scratch.store.keep(RenewalPlan(), of: "web")
        #expect(throws: CertificateProblem.self) {
            _ = try ACMEAccountStore(scratch.store, directory: "https://ca.test/directory").load()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test("what another user left in a claim's place is told before the next certificate is due")
    func foreignClaim() throws {
        guard geteuid() == 0 else { return print("not tried: only root may give files away") }
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let provider = scratch.provider(for: settings, at: now)
        _ = try provider.issue(settings, reason: "test")
        try provider.claimed(settings, by: "a test", isPatient: false, tell: { _ in }) {}
        #expect(provider.storeWarnings().isEmpty)
        for place in [".claims/web", ".claims"].map({ "\(scratch.store.folder)/\($0)" }) {
            try give(place, to: 12_345)
            let told = provider.storeWarnings()
            #expect(told.count == 1 && told[0].contains("\(place): belongs to user 12345"), "\(told)")
            try give(place, to: 0)
        }
        #expect(provider.storeWarnings().isEmpty)
    }

    @Test("nobody is told to kill a gateway, which is started anew, and where the process is")
    func advice() {
        func advice(_ command: String) -> String {
            CertificateClaim(process: 7, machine: "lb-01", start: now, command: command).advice
        }
        #expect(advice("gatehouse certs rotate").contains("on lb-01 (`kill -KILL 7`)"))
        let gateway = advice(CertificateClaim.gateway)
        #expect(!gateway.contains("kill") && gateway.contains("on lb-01 anew (`systemctl restart gatehouse`)"))
    }
}
