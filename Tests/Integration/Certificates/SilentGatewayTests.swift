import Foundation
import Testing

/// A control plane that stands still: its data plane serves on, and nobody answers at the admin socket.
@Suite("Certificates beside a gateway that does not answer", .patient)
struct SilentGatewayTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("the list tells what the store holds, and a stolen key goes from the disk; both end with 3")
    func silence() throws {
        let site = try start("issuer: internal")
        #expect(try certs("rotate", "web").status == 0)
        site.process.send(SIGSTOP)
        let listed = try certs("list")
        #expect(listed.status == 3 && listed.error.contains("gives no answer within 5 s"), "\(listed)")
        #expect(listed.output.contains("web: internal; generation 2; good until"), "\(listed)")
        #expect(!listed.output.contains("no gateway of this site answers"), "\(listed)")

        let key = directory.path("store/web/1/key.pem")
        #expect(FileManager.default.fileExists(atPath: key))
        let retired = try certs("retire", "web", "--compromised", "--revoke", "key-compromise")
        #expect(retired.status == 3 && !FileManager.default.fileExists(atPath: key), "\(retired)")
        for words in ["generation 1 is revoked", "deleted the key of generation 1"] {
            #expect(retired.output.contains(words), "\(retired)")
        }
        #expect(!retired.output.contains("session tickets of before are opened no more"), "\(retired)")
        for words in ["MAY HOLD THE KEY IN ITS MEMORY", "it opens session tickets of before"] {
            #expect(retired.error.contains(words), "\(retired)")
        }

        site.process.send(SIGCONT)
        let again = try certs("retire", "web", "--compromised")
        #expect(again.status == 0 && again.output.contains("session tickets of before are opened no more"), "\(again)")
        #expect(again.output.contains("its key is gone from the gateway's memory"), "\(again)")
        #expect(try certs("list").status == 0)
    }
}
