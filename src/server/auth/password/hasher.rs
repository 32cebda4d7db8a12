//! Argon2 as its crate has it, but for the memory that it works in: 19 MiB for a hash.
//!
//! Left to the allocator, it would stay with each thread that ever hashed, for good: what is freed below 32 MiB is kept by
//! glibc for the thread that had it. Fetched from the system each time, its pages would cost a third of the hash. So it is
//! lent to one hash after the other, and goes back to the system when no hash came for a while.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, CustomizedPasswordHasher, Params, Version,
    password_hash::{
        Error, PasswordHasher, Result,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Room for so many is taken at least: from 32 MiB on, freed memory goes back to the system at once. What is not used of
/// it is never touched and costs nothing.
const BLOCKS_MIN: usize = 33 * 1024;
/// Memory that was not used for this long goes back.
const KEPT_SECONDS: u64 = 2;

/// Makes and checks hashes, by its traits.
pub struct Hasher {
    /// For new hashes; a stored one brings its own.
    pub params: Params,
}

static MEMORY: Mutex<Memory> = Mutex::new(Memory { spare: Vec::new(), loans: 0 });

/// The memory that is not lent at the moment.
struct Memory {
    spare: Vec<Vec<Block>>,
    /// Counts the loans.
    loans: u64,
}

impl PasswordHasher<PasswordHash> for Hasher {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, self.params.clone())
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        // Their defaults are Argon2id, version 1.3.
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let salt = Salt::new(salt)?;
        let mut buffer = [0; Output::MAX_LENGTH];
        let output_len = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let output = buffer.get_mut(..output_len).ok_or(Error::OutputSize)?;
        let argon2 = Argon2::new(algorithm, version, params.clone());
        lend(params.block_count(), |blocks| argon2.hash_password_into_with_memory(password, &salt, output, blocks))?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(salt),
            hash: Some(Output::new(output)?),
        })
    }
}

/// Gives memory that is spare back to the system, unless there are more hashes in the meantime. To be called after one.
pub async fn give_back_later() {
    let loans = memory().loans;
    tokio::time::sleep(Duration::from_secs(KEPT_SECONDS)).await;
    let mut memory = memory();
    if memory.loans == loans {
        memory.spare = Vec::new();
    }
}

/// Does some work in so many blocks, which may hold anything.
fn lend<T>(blocks: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let spare = {
        let mut memory = memory();
        memory.loans += 1;
        memory.spare.pop()
    };
    let mut lent = spare.unwrap_or_else(|| Vec::with_capacity(BLOCKS_MIN));
    lent.resize(blocks, Block::new());
    let result = work(&mut lent);
    memory().spare.push(lent);
    result
}

fn memory() -> MutexGuard<'static, Memory> {
    // A panic elsewhere leaves nothing half done here.
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}
