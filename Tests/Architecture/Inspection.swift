/// Holds files and the manifest against the house and says in words what is out of place.
struct Inspection {
    let house = House()

    /// A file of `Sources`: its imports, Foundation, the word `unsafe`, what signs certificates, who closes descriptors, and
    /// what OpenSSL keeps.
    func problems(in file: SourceFile) -> [String] {
        length(of: file) + importProblems(in: file) + unsafeProblems(in: file) + signingProblems(in: file)
            + ownership(in: file) + keptNames(in: file)
    }

    /// Any file: a descriptor that is owned is not taken over by its number, since both owners would close it, the second of
    /// them what somebody else has opened meanwhile.
    func ownership(in file: SourceFile) -> [String] {
        file.code.indices.filter { file.code[$0].contains(/\(owning: [^,()]*\.raw\)/) }.map {
            "\(file.path):\($0 + 1): a descriptor that has an owner gets another: use `duplicate`, or `release`"
        }
    }

    /// The name of a parameter is no string literal: as an argument that is a `String`, whose bytes are freed when the call
    /// ends, where OpenSSL keeps the pointer until the parameters are read.
    private func keptNames(in file: SourceFile) -> [String] {
        let literal = /OSSL_PARAM_(?:BLD_push_\w+\(\w+, *,|construct_\w+\( *,)/
        return file.code.indices.filter { file.code[$0].contains(literal) }.map {
            "\(file.path):\($0 + 1): OpenSSL keeps the pointer to this name: give it a `StaticString`'s `cString`"
        }
    }

    /// Any file, of `Sources` or `Tests`.
    func length(of file: SourceFile) -> [String] {
        guard file.lineCount > house.longestFile else { return [] }
        return ["\(file.path): \(file.lineCount) lines, more than \(house.longestFile): split it, one idea a file"]
    }

    /// The manifest against the arrows, and the files' imports against the manifest.
    func problems(in manifest: Manifest, files: [SourceFile]) -> [String] {
        var problems: [String] = []
        for (module, dependencies) in manifest.modules.sorted(by: { $0.key < $1.key }) {
            problems += dependencies.compactMap { dependency in
                guard house.packages[dependency] == nil else { return nil }
                return house.objection(from: module, to: dependency).map { "Package.swift: \($0)" }
            }
        }
        for file in files {
            guard let module = file.module else { continue }
            guard let declared = manifest.modules[module] else {
                problems.append("\(file.path): Package.swift declares no target \(module)")
                continue
            }
            for used in file.imports where house.floor(of: used.module) != nil && !declared.contains(used.module) {
                problems.append(
                    "\(file.path):\(used.line): imports \(used.module), which Package.swift does not list for \(module)"
                )
            }
        }
        return problems
    }

    private func importProblems(in file: SourceFile) -> [String] {
        guard let module = file.module else { return ["\(file.path): stands in no module's folder"] }
        return file.imports.compactMap { used -> String? in
            let place = "\(file.path):\(used.line)"
            if house.floor(of: used.module) != nil {
                if let objection = house.objection(from: module, to: used.module) { return "\(place): \(objection)" }
                guard let home = house.wrappers[used.module], !file.path.hasPrefix(home) else { return nil }
                return "\(place): \(used.module) is wrapped once, in \(home); use that wrapper"
            }
            if house.foundation.contains(used.module) {
                guard house.withoutFoundation.contains(module) else { return nil }
                return "\(place): \(module) does without \(used.module)"
            }
            if let users = house.packages[used.module] {
                guard !users.contains(module) else { return nil }
                return "\(place): only \(users.sorted().joined(separator: ", ")) may import \(used.module)"
            }
            guard !house.standard.contains(used.module) else { return nil }
            return "\(place): \(used.module) is unknown to the design; a new library needs a decision record"
        }
    }

    private func signingProblems(in file: SourceFile) -> [String] {
        guard house.traffic.contains(where: { file.path.hasPrefix($0) }) else { return [] }
        let words = house.signing.subtracting(file.path == house.challenges ? ["ChallengeCertificate"] : [])
        return words.sorted().flatMap { word in
            file.lines(withWord: word).map {
                "\(file.path):\($0): `\(word)`: no certificate is signed, and no key made, where traffic is served"
            }
        }
    }

    private func unsafeProblems(in file: SourceFile) -> [String] {
        guard !house.unsafe.contains(where: { file.path.hasPrefix($0) }) else { return [] }
        return file.lines(withWord: "unsafe").map {
            "\(file.path):\($0): `unsafe` stands only where C or the kernel is wrapped: \(house.unsafe.joined(separator: " "))"
        }
    }
}
