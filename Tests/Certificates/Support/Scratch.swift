import Certificates
import Foundation
import OpenSSL
import Site

/// A folder of its own for one test, removed with it.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "gatehouse-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    /// Permission bits of a file or folder in it.
    func mode(_ name: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return attributes[.posixPermissions] as? Int
    }
}

extension Scratch {
    /// A store in it.
    var store: CertificateStore { CertificateStore(folder: path + "/certs") }

    /// What provides for a site of that name, without a gateway, from this store.
    func provider(_ site: String = "foobar.com", at now: Int64, isStart: Bool = false) -> CertificateProvider {
        var site = SiteModel(name: site)
        site.certificateStore = store.folder
        return CertificateProvider(for: site, now: now, isStart: isStart)
    }

    /// The same, of a site that has this certificate.
    func provider(for settings: CertificateSettings, at now: Int64) -> CertificateProvider {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = store.folder
        site.certificates[settings.name] = settings
        return CertificateProvider(for: site, now: now)
    }
}

extension CertificateBundle {
    var chainPEM: String { chain.map(\.pem).joined() }

    var keyPEM: String {
        let material = key.pem
        return (0..<material.count).reduce(into: "") { text, index in
            text.unicodeScalars.append(Unicode.Scalar(material.bytes[index]))
        }
    }
}
