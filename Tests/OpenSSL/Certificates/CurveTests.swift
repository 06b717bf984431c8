import Testing

@testable import OpenSSL

/// Keys whose curves TLS cannot name, made by `openssl ecparam -genkey`: they load, and fail in every handshake.
@Suite("Curves that clients of TLS do not take")
struct CurveTests {
    @Test("a key that spells its curve out is refused, also where that curve has a name, with what to do")
    func unnamed() throws {
        for pem in [Self.explicit, Self.explicitPKCS8, Self.explicitKoblitz] {
            let error = #expect(throws: CertificateError.self) { try PrivateKey(pem: Array(pem.utf8).span) }
            #expect(error == .unnamedCurve(owner: "the private key"))
            #expect(error?.description.contains("openssl genpkey -algorithm EC") == true)
        }
    }

    @Test("so is a certificate that does, whose key names it")
    func certificate() throws {
        let key = try PrivateKey(pem: Array(Self.named.utf8).span)
        let chain = try Certificate.load(pem: Array(Self.certificate.utf8).span)
        #expect(throws: CertificateError.unnamedCurve(owner: "the certificate of CN=foobar.com")) {
            try CertificateBundle(chain: chain, key: key)
        }
    }

    @Test("and a curve of other trades")
    func koblitz() {
        #expect(throws: CertificateError.unsupportedCurve(owner: "the private key", curve: "secp256k1")) {
            try PrivateKey(pem: Array(Self.koblitz.utf8).span)
        }
    }

    private static let named = """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIHU1BY2iVTH2nnfES+kyzctXOyXnODDbCOePBnAZRCg1oAoGCCqGSM49
        AwEHoUQDQgAEYL47E5QPL/LB5GvCGssVsE0Yaab/AhfajA+MQ+dYsfsWORY83kIu
        a9N+zlSeGfZiITysnNVcYkbaPkWJmjmarA==
        -----END EC PRIVATE KEY-----
        """

    private static let explicit = """
        -----BEGIN EC PRIVATE KEY-----
        MIIBaAIBAQQgdTUFjaJVMfaed8RL6TLNy1c7Jec4MNsI548GcBlEKDWggfowgfcC
        AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////
        MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr
        vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE
        axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W
        K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8
        YyVRAgEBoUQDQgAEYL47E5QPL/LB5GvCGssVsE0Yaab/AhfajA+MQ+dYsfsWORY8
        3kIua9N+zlSeGfZiITysnNVcYkbaPkWJmjmarA==
        -----END EC PRIVATE KEY-----
        """

    private static let explicitPKCS8 = """
        -----BEGIN PRIVATE KEY-----
        MIIBeQIBADCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAAB
        AAAAAAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA
        ///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMV
        AMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg
        9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8A
        AAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBBG0wawIBAQQgdTUFjaJVMfae
        d8RL6TLNy1c7Jec4MNsI548GcBlEKDWhRANCAARgvjsTlA8v8sHka8IayxWwTRhp
        pv8CF9qMD4xD51ix+xY5FjzeQi5r037OVJ4Z9mIhPKyc1VxiRto+RYmaOZqs
        -----END PRIVATE KEY-----
        """

    private static let explicitKoblitz = """
        -----BEGIN EC PRIVATE KEY-----
        MIIBUQIBAQQg9C0oXj9qXwLwG+L2rq9g+qdbEUfwAwo9q3IRgfYomVqggeMwgeAC
        AQEwLAYHKoZIzj0BAQIhAP////////////////////////////////////7///wv
        MEQEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABCAAAAAAAAAAAAAA
        AAAAAAAAAAAAAAAAAAAAAAAAAAAABwRBBHm+Zn753LusVaBilc6HCwcCm/zbLc4o
        2VnygVsW+BeYSDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj/sQ1LgCIQD/////
        ///////////////+uq7c5q9IoDu/0l6M0DZBQQIBAaFEA0IABODulCzxIhamfzBN
        H8Y48Iop7lUPAszsFZAMOtJphPTxJvm1BPUkx9xdZHiUoJ54g4U4wgZUqGG3Fgyc
        pDRsDwg=
        -----END EC PRIVATE KEY-----
        """

    private static let koblitz = """
        -----BEGIN EC PRIVATE KEY-----
        MHQCAQEEIFavXxWS6xjobn06Zz7KEadYpsDPWE9qEIC/D5spb4eRoAcGBSuBBAAK
        oUQDQgAEU6UqNNiyYzaibSs5U0HSnB7q6n/EIqjrs2B9k6Xpbp66gyYt+eyVD/2W
        uIbzbJCKz0tA3z0GyfX4OC0VTivnrA==
        -----END EC PRIVATE KEY-----
        """

    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIICizCCAjKgAwIBAgIUOcGAte0wJS1sv8e4topiTzlhPuswCgYIKoZIzj0EAwIw
        FTETMBEGA1UEAwwKZm9vYmFyLmNvbTAgFw0yNjExMjExOTQwMTBaGA8yMTI2MTAy
        ODE5NDAxMFowFTETMBEGA1UEAwwKZm9vYmFyLmNvbTCCAUswggEDBgcqhkjOPQIB
        MIH3AgEBMCwGByqGSM49AQECIQD/////AAAAAQAAAAAAAAAAAAAAAP//////////
        /////zBbBCD/////AAAAAQAAAAAAAAAAAAAAAP///////////////AQgWsY12Ko6
        k+ez671VdpiGvGUdBrDMU7D2O848PifSYEsDFQDEnTYIhucEk2pmeOETnSa3gZ9+
        kARBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tK
        fA+eFivOM1drMV7Oy7ZAaDe/UfUCIQD/////AAAAAP//////////vOb6racXnoTz
        ucrC/GMlUQIBAQNCAARgvjsTlA8v8sHka8IayxWwTRhppv8CF9qMD4xD51ix+xY5
        FjzeQi5r037OVJ4Z9mIhPKyc1VxiRto+RYmaOZqso2owaDAdBgNVHQ4EFgQUdlYI
        yuV6KLElBIoLEMnxbNTyDlkwHwYDVR0jBBgwFoAUdlYIyuV6KLElBIoLEMnxbNTy
        DlkwDwYDVR0TAQH/BAUwAwEB/zAVBgNVHREEDjAMggpmb29iYXIuY29tMAoGCCqG
        SM49BAMCA0cAMEQCIF8SU17vTexiCelbb/Rpbt9goPi8muHRVzYCbTyoyvWXAiAt
        MCLJZg9UZBCgv6GDEYKF534HxWwSiswBLu9HRsXXFA==
        -----END CERTIFICATE-----
        """
}
