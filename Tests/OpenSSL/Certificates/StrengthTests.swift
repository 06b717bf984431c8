import Testing

@testable import OpenSSL

@Suite("Certificates that are too weak to be sent")
struct StrengthTests {
    /// For foobar.com, until 2081, signed with ECDSA and SHA-1; and its key.
    private static let weak = """
        -----BEGIN CERTIFICATE-----
        MIIBSTCB8qADAgECAgEHMAkGByqGSM49BAEwDzENMAsGA1UEAwwEcm9vdDAgFw0y
        NjExMjIwMTU1MTdaGA8yMDgxMDgyNTAxNTUxN1owFTETMBEGA1UEAwwKZm9vYmFy
        LmNvbTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHfscvSEwiXkpFKgfeBXiuZj
        KumP0emu7q/ZuuK5ayPLGTjXYdfX3z1OIEKYDJJsL9AqjXk80GwZjjPi1SebLIej
        ODA2MBUGA1UdEQQOMAyCCmZvb2Jhci5jb20wHQYDVR0OBBYEFH+udDjBLFuPXOJn
        4/xNTS8R+ZajMAkGByqGSM49BAEDRwAwRAIgY8M5SBF6RtZbsxbs13+b4vBEpwtD
        PIS6qtZuWsN4RHACIGhSHIKbHf+oYv4fiN5qamU7+zGPOCgTnsCGDr/RgV14
        -----END CERTIFICATE-----
        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgn8LjEK12ilB1k3TD
        +zTipT9NvF7BiIp49DINc8af2lKhRANCAAR37HL0hMIl5KRSoH3gV4rmYyrpj9Hp
        ru6v2briuWsjyxk412HX1989TiBCmAySbC/QKo15PNBsGY4z4tUnmyyH
        -----END PRIVATE KEY-----
        """

    private func bundle() throws -> CertificateBundle {
        try CertificateBundle(certificatePEM: Array(Self.weak.utf8).span, keyPEM: Array(Self.key.utf8).span)
    }

    @Test("one signed with SHA-1 is no certificate for a server, and what is said of it names the digest")
    func digest() throws {
        let problem = #expect(throws: CertificateError.self) { try bundle().requireServable() }
        #expect(problem == .weak(subject: "CN=foobar.com", why: "is signed with SHA1, which is too weak"))
        try TestCA.shared.server("foobar.com").requireServable()
    }

    @Test("a handshake that it is asked of fails with what is wrong, and not with that a callback failed")
    func handshake() throws {
        let joined = try Loopback(Make.server([bundle()]), Make.client(), name: "foobar.com").handshake()
        guard case .failed(let failure) = joined.serverProgress else {
            Issue.record("it was served: \(joined.serverProgress)")
            return
        }
        #expect(failure.reason == .internal && "\(failure)".contains("md too weak"), "\(failure)")
        let refused = #expect(throws: RehearsalError.self) { try bundle().rehearse() }
        #expect(refused?.description.contains("md too weak") == true, "\(refused as Any)")
    }
}
