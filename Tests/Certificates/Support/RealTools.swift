import Foundation
import OpenSSL

/// Other people's programs, as judges of what was made.
enum RealTools {
    /// Runs a program of PATH; its exit status and everything it said.
    static func run(_ arguments: String...) throws -> (status: Int32, output: String) { try run(arguments) }

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// A certificate that openssl makes, of a new P-256 key that signs it itself: in `signed.crt` and `signed.key` of the
    /// folder.
    static func selfSigned(in scratch: Scratch, _ options: [String]) throws -> Certificate {
        let (certificate, key) = (scratch.path + "/signed.crt", scratch.path + "/signed.key")
        let kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        let made = try run(["openssl", "req", "-x509"] + kind + ["-out", certificate, "-keyout", key] + options)
        guard made.status == 0 else { throw Failure(text: made.output) }
        let pem = Array(try Data(contentsOf: URL(filePath: certificate)))
        return try Certificate.load(pem: pem.span)[0]
    }

    struct Failure: Error { let text: String }
}
