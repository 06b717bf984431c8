internal import Linux

/// Which generation of a certificate is the current one: `NAME/current` holds its number.
extension CertificateStore {
    /// The file that changes with the current generation of `name`.
    package func pointer(of name: String) -> String { "\(folder)/\(name)/current" }

    /// `name` has a current generation.
    package func contains(_ name: String) throws(CertificateProblem) -> Bool {
        try generation(of: name) != nil
    }

    /// The files of the generation that is served; none where no number of one can be read.
    internal func filesInUse(of name: String) -> [String] {
        guard let number = try? generation(of: name) else { return [] }
        return ["fullchain.pem", "key.pem"].map { "\(folder)/\(name)/\(number)/\($0)" }
    }

    /// What `read` gives of the generation that is served, whose folder may be gone.
    internal func inUse<Result>(
        _ number: Int,
        of name: String,
        _ read: (Int) throws(CertificateProblem) -> Result
    ) throws(CertificateProblem) -> Result {
        do throws(CertificateProblem) {
            return try read(number)
        } catch {
            let home = "\(folder)/\(name)/\(number)"
            switch error {
            case .file(let problem) where problem.isNoSuchFile && !FileWriting.exists(home):
                throw .lostGeneration(name: name, folder: home)
            case .contents(let path, let reason) where InternalCA.isOwn(name):
                throw .damagedAuthority(path: path, name: name, reason)
            default: throw error
            }
        }
    }

    /// The number of the generation that is served.
    package func currentGeneration(of name: String) throws(CertificateProblem) -> Int {
        if let number = try generation(of: name) { return number }
        // Starts that were killed before the first came into force leave generations, and no pointer.
        guard FileWriting.exists(pointer(of: name)) else {
            // Where all of the store is gone, nothing is to be made in it.
            try requirePresence()
            throw .missing(name: name, folder: folder)
        }
        throw .noPointer(path: pointer(of: name), name: name, try generations(of: name))
    }

    /// Whether the current generation is one that was gone back to.
    package func isRolledBack(_ name: String) throws(CertificateProblem) -> Bool {
        try words(of: name, in: pointer(of: name)).dropFirst().first.map { $0 == Self.wayBack } ?? false
    }

    internal func generation(of name: String) throws(CertificateProblem) -> Int? {
        try number(of: name, in: pointer(of: name))
    }

    /// The number that a small file of a certificate begins with; nil when there is none.
    internal func number(of name: String, in file: String) throws(CertificateProblem) -> Int? {
        // A pointer that is no number is treated as a crash that never happened: nothing is current.
        try words(of: name, in: file).first.flatMap { Int($0) }
    }

    internal func words(of name: String, in file: String) throws(CertificateProblem) -> [Substring] {
        _ = try path(name)
        do throws(FileError) {
            let bytes = try FileReading.read(file, limit: 32, trust: .ownerWrites, followsLink: false)
            return String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }
        } catch {
            if error.isNoSuchFile { return [] }
            throw .file(error)
        }
    }

    /// What the pointer says after the number of a generation that was gone back to; older versions read the number alone.
    private static let wayBack = "rolled-back"

    /// Makes a generation that is whole, and was current before, the current one again: clients have known it.
    ///
    /// - Parameter tell: tells the history, when there is room on the disk for what it tells.
    internal func point(
        _ name: String,
        backTo number: Int,
        tell: () throws(CertificateProblem) -> Void
    ) throws(CertificateProblem) {
        let text = Array("\(number) \(Self.wayBack)\n".utf8)
        try point([(name, text)], tell: tell)
    }

    /// Puts pointers in their places, each with its text, once the history was told. They are written before that: a disk
    /// that is full refuses them while nothing is told yet.
    internal func point(
        _ pointers: [(name: String, text: [UInt8])],
        tell: () throws(CertificateProblem) -> Void
    ) throws(CertificateProblem) {
        let written: FileBatch
        do throws(FileError) {
            written = try writtenBeside(pointers)
        } catch {
            throw .file(error)
        }
        try tell()
        var batch = written
        do throws(FileError) {
            try batch.commit()
        } catch {
            throw .file(error)
        }
    }

    /// On the disk, where nobody takes note of them yet.
    private func writtenBeside(_ pointers: [(name: String, text: [UInt8])]) throws(FileError) -> FileBatch {
        var batch = try FileBatch(on: folder)
        for entry in pointers { try batch.add(pointer(of: entry.name), entry.text.span, mode: 0o644) }
        try batch.settle()
        return batch
    }
}
