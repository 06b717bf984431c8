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
