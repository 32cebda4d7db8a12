//! Images: how large they are, and what is shown of them. What is shown was drawn anew: nothing else that lies in the file, a
//! place where it was taken for example, goes on from here.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage, Rgba,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};

use super::{
    Outcome,
    findings::Findings,
    protocol::{Picture, PictureUse},
};
use crate::domain::{file_kind::FileKind, file_state::FileFailure, limits};

/// Quality of what is shown, of 100.
const JPEG_QUALITY: u8 = 82;

/// Reads an image.
pub fn read(kind: FileKind, bytes: &[u8], findings: &mut Findings) -> Outcome {
    let format = match kind {
        FileKind::Png => ImageFormat::Png,
        FileKind::Jpeg => ImageFormat::Jpeg,
        _ => ImageFormat::WebP,
    };
    let mut decoder =
        ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(|error| failure(&error))?;
    let (width, height) = decoder.dimensions();
    let most = limits::IMAGE_SIDE_PIXELS_MAX;
    if width > most || height > most || u64::from(width) * u64::from(height) > limits::IMAGE_PIXELS_MAX {
        return Err(FileFailure::TooManyPixels);
    }
    let mut bounds = Limits::default();
    bounds.max_alloc = Some(limits::FILE_READER_BYTES_MAX * 3 / 4);
    decoder.set_limits(bounds).map_err(|error| failure(&error))?;
    // Whoever took it may have held the camera upright.
    let turned = decoder.orientation().map_err(|error| failure(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| failure(&error))?;
    image.apply_orientation(turned);
    for (use_for, side) in
        [(PictureUse::View, limits::VIEW_SIDE_PIXELS_MAX), (PictureUse::Thumbnail, limits::THUMBNAIL_SIDE_PIXELS_MAX)]
    {
        let (width, height) = (image.width(), image.height());
        if width > side || height > side {
            let smaller = image.thumbnail(side, side);
            findings.add_picture(picture(&smaller, use_for, (width, height))?)?;
        } else {
            findings.add_picture(picture(&image, use_for, (width, height))?)?;
        }
    }
    Ok(())
}

/// JPEG, unless something shines through, and what does so is not too much to hand over.
fn picture(image: &DynamicImage, use_for: PictureUse, (width, height): (u32, u32)) -> Result<Picture, FileFailure> {
    let mut content = Vec::new();
    let mut is_png = image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel[3] < u8::MAX);
    if is_png {
        let drawn = DynamicImage::from(image.to_rgba8()).write_with_encoder(PngEncoder::new(&mut content));
        drawn.map_err(|_| FileFailure::Damaged)?;
        is_png = content.len() <= limits::VIEW_BYTES_MAX;
    }
    if !is_png {
        content.clear();
        let drawn = DynamicImage::from(on_white(image))
            .write_with_encoder(JpegEncoder::new_with_quality(&mut content, JPEG_QUALITY));
        drawn.map_err(|_| FileFailure::Damaged)?;
    }
    Ok(Picture { use_for, width, height, is_png, content: STANDARD.encode(content) })
}

/// Without what shines through: white does.
fn on_white(image: &DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.to_rgb8();
    }
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *image.get_pixel(x, y);
        let mix = |colour: u8| {
            let (colour, alpha, most) = (u16::from(colour), u16::from(alpha), u16::from(u8::MAX));
            u8::try_from((colour * alpha + most * (most - alpha)) / most).unwrap_or(u8::MAX)
        };
        Rgb([mix(red), mix(green), mix(blue)])
    })
}

fn failure(error: &ImageError) -> FileFailure {
    match error {
        ImageError::Limits(_) => FileFailure::TooLargeUnpacked,
        _ => FileFailure::Damaged,
    }
}
