import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// Folders of other programs, as they lie on the disk.
@Suite("Folders in which other programs keep a certificate")
struct CertificateFolderTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let bundle: CertificateBundle

    init() throws {
        scratch = try Scratch()
        bundle = try InternalCA(named: "test", now: now).issue(names: ["foobar.com"], now: now)
    }

    /// - Returns: the path of the folder.
    private func folder(_ path: String) throws -> String {
        let folder = "\(scratch.path)/\(path)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    private func write(_ chain: String, _ key: String) throws {
        try scratch.write(chain, bundle.chainPEM, mode: 0o644)
        try scratch.write(key, bundle.keyPEM)
    }

    /// The first certificate of what is found there.
    private func leaf(in folder: String) throws -> [UInt8] {
        let files = try CertificateFolder.files(in: folder)
        return try CertificateSource.load(certificate: files.certificate, key: files.key, now: now).leaf.der
    }

    @Test("certbot's: links into its archive, beside a README and two more links")
    func certbot() throws {
        let (live, archive) = ("letsencrypt/live/foobar.com", "letsencrypt/archive/foobar.com")
        let place = try folder(live)
        _ = try folder(archive)
        try write("\(archive)/fullchain1.pem", "\(archive)/privkey1.pem")
        for name in ["cert", "chain"] { try scratch.write("\(archive)/\(name)1.pem", bundle.leaf.pem, mode: 0o644) }
        for name in ["cert", "chain", "fullchain", "privkey"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(place)/\(name).pem",
                withDestinationPath: "../../archive/foobar.com/\(name)1.pem"
            )
        }
        try scratch.write("\(live)/README", "This directory contains your keys and certificates.", mode: 0o644)
        #expect(try leaf(in: place) == bundle.leaf.der)
    }

    @Test("Caddy's: a certificate, its key and what Caddy knows of it, called by the name")
    func caddy() throws {
        let path = "caddy/certificates/acme-v02.api.letsencrypt.org-directory/foobar.com"
        let place = try folder(path)
        try write("\(path)/foobar.com.crt", "\(path)/foobar.com.key")
        try scratch.write("\(path)/foobar.com.json", #"{ "sans": ["foobar.com"], "issuer_data": {} }"#)
        #expect(try leaf(in: place) == bundle.leaf.der)
    }

    @Test("one that holds several, none, or no key is neither")
    func neither() throws {
        let folders = try ["several", "empty", "keyless"].map { try folder($0) }
        for name in ["a", "b"] { try write("several/\(name).crt", "several/\(name).key") }
        try scratch.write("keyless/a.crt", bundle.leaf.pem)
        for folder in folders {
            #expect(throws: CertificateProblem.unknownFolder(folder)) { try CertificateFolder.files(in: folder) }
        }
    }
}
