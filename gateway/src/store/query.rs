//! A statement that grows: its parameters are numbered as both databases read them.

use sqlx::{
    Any, Arguments, AssertSqlSafe, Encode, FromRow, Type,
    any::{AnyArguments, AnyRow},
    query::{QueryAs, QueryScalar},
};

/// What was said so far, and what is bound in it. Values from outside are only ever bound.
#[derive(Default)]
pub(super) struct Query {
    text: String,
    arguments: AnyArguments,
}

impl Query {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), arguments: AnyArguments::default() }
    }

    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text += text;
        self
    }

    pub(super) fn push_bind<'t, T: Encode<'t, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        self.arguments.add(value).expect("texts and numbers can be bound");
        self.text += &format!("${}", self.arguments.len());
        self
    }

    pub(super) fn build_query_as<T>(&mut self) -> QueryAs<'static, Any, T, AnyArguments>
    where
        T: for<'r> FromRow<'r, AnyRow>,
    {
        let Self { text, arguments } = std::mem::take(self);
        sqlx::query_as_with(AssertSqlSafe(text), arguments)
    }

    pub(super) fn build_query_scalar<T>(&mut self) -> QueryScalar<'static, Any, T, AnyArguments>
    where
        (T,): for<'r> FromRow<'r, AnyRow>,
    {
        let Self { text, arguments } = std::mem::take(self);
        sqlx::query_scalar_with(AssertSqlSafe(text), arguments)
    }
}
